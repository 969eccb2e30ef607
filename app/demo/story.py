"""What the demo does, in order, and how it tells of it."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.demo import tables
from app.demo.processes import DidNotStartError, StandIn, sandbox_process, service_process
from app.settings import Settings
from samples.people import write_csv

_LOOK_EVERY_S = 0.2
_ENDED = frozenset({"succeeded", "partial", "failed", "cancelled"})
Json = dict[str, Any]

#: Person field, data field to be made, and what a blank does.
MAPPINGS = (
    ("job_title", "JOB_TITLE", "clear"),
    ("organisation", "COMPANY", "clear"),
    ("city", "CITY", "clear"),
    ("country", "COUNTRY", "keep"),
    ("custom.tier", "TIER", "clear"),
    ("custom.points", "POINTS", "clear"),
    ("custom.birthday", "BIRTHDAY", "keep"),
    ("custom.tags[*]", "TAGS", "clear"),
    ("custom.orders[0].sku", "LAST_SKU", "keep"),
)


class DemoFailedError(Exception):
    """Something is not as it must be; the text says what."""


async def run_demo(people: int) -> int:
    """Run it all; return the exit code."""
    console = Console()
    data_dir = Settings(_env_file=None).data_dir / "demo"
    try:
        async with (
            sandbox_process() as stand_in,
            service_process(data_dir, stand_in.url) as service,
            httpx.AsyncClient(
                base_url=service.url,
                headers={"Authorization": f"Bearer {service.key}"},
                timeout=120,
            ) as client,
        ):
            await _Story(console, client, stand_in).tell(people)
    except (DemoFailedError, DidNotStartError, httpx.HTTPError) as error:
        console.print(f"[red]The demo failed:[/] {error}")
        return 1
    return 0


class _Story:
    """The chapters of the demo."""

    def __init__(self, console: Console, client: httpx.AsyncClient, stand_in: StandIn) -> None:
        self._console = console
        self._client = client
        self._stand_in = stand_in

    async def tell(self, people: int) -> None:
        """Account, people, mappings, lists, the send, and what became of everyone."""
        self._console.print(
            "dotsync, end to end. Dotdigital is played by the sandbox, a stand-in.\n"
        )
        account = await self._make_account()
        await self._import_people(people)
        await self._make_mappings(account["id"])
        await self._make_lists(account["id"])
        await self._prepare_refusals(account["dotdigital_account_id"])
        began = perf_counter()
        run = await self._run_job("send_people", account["id"], "Sending people")
        took_s = perf_counter() - began
        again = await self._run_job("send_people", account["id"], "Once more, nothing changed")
        await self._report(account["id"], run, again, took_s)

    async def _make_account(self) -> Json:
        body = {
            "name": "Demo",
            "username": self._stand_in.username,
            "password": self._stand_in.password,
        }
        account = await self._post("/v1/accounts", body)
        self._console.print(
            f"Account {account['name']}: Dotdigital account {account['dotdigital_account_id']} "
            f"at {account['endpoint']}"
        )
        return account

    async def _import_people(self, people: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "people.csv"
            write_csv(file, people)
            began = perf_counter()
            answer = await self._client.post(
                "/v1/people/import",
                content=file.read_bytes(),
                headers={"Content-Type": "text/csv"},
            )
        outcome = _checked(answer)
        took_s = perf_counter() - began
        self._console.print(
            f"Imported {outcome['created']:,} people from CSV in {took_s:.1f} s; "
            f"{outcome['rejected']:,} rows rejected:"
        )
        self._console.print(tables.rejected(outcome["errors"]))

    async def _make_mappings(self, account_id: int) -> None:
        for person_field, data_field, when_blank in MAPPINGS:
            await self._post(
                "/v1/mappings?create_missing=true",
                {
                    "account_id": account_id,
                    "person_field": person_field,
                    "dotdigital_field": data_field,
                    "when_blank": when_blank,
                },
            )
        preference = {
            "account_id": account_id,
            "kind": "preference",
            "person_field": "custom.newsletter",
            "dotdigital_field": "News > Newsletter",
        }
        await self._post("/v1/mappings?create_missing=true", preference)
        found = await self._get("/v1/mappings", account_id=account_id)
        self._console.print(f"{len(found['items'])} mappings, the standard ones among them")

    async def _make_lists(self, account_id: int) -> None:
        page = await self._get("/v1/people", limit=1000)
        ids = [person["id"] for person in page["items"]]
        for name, members in (("Newsletter", ids), ("VIPs", ids[::10])):
            made = await self._post(
                "/v1/lists",
                {"name": name, "account_id": account_id, "synchronisation_with": "dotdigital"},
            )
            await self._post(f"/v1/lists/{made['id']}/members", {"person_ids": members})
        self._console.print(f"Lists Newsletter ({len(ids)}) and VIPs ({len(ids[::10])})\n")

    async def _prepare_refusals(self, dotdigital_account_id: int) -> None:
        """Let the sandbox refuse a few, and take a moment, as the real one does."""
        page = await self._get("/v1/people", limit=200)
        emails = [person["email"].lower() for person in page["items"] if person["email"]]
        blocked, suppressed = emails[10:13], emails[20:22]
        settings = {
            "import_duration_s": 2,
            "blocked_addresses": blocked,
            "globally_suppressed": suppressed,
        }
        async with httpx.AsyncClient(base_url=self._stand_in.url) as control:
            path = f"/_sandbox/accounts/{dotdigital_account_id}/settings"
            _checked(await control.patch(path, json=settings))
        self._console.print(
            f"The sandbox blocks {len(blocked)} addresses and suppresses "
            f"{len(suppressed)}, to show what becomes of refusals.\n"
        )

    async def _run_job(self, job: str, account_id: int, title: str) -> Json:
        run = await self._post(f"/v1/jobs/{job}/runs", {"account_id": account_id})
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
        ) as progress:
            task = progress.add_task(title, total=None)
            while run["status"] not in _ENDED or run["counts"].get("pending"):
                await asyncio.sleep(_LOOK_EVERY_S)
                run = await self._get(f"/v1/runs/{run['id']}")
                done, total = run["progress"]["done"], run["progress"]["total"]
                progress.update(task, completed=done, total=total)
        if run["status"] not in {"succeeded", "partial"}:
            raise DemoFailedError(f"the run of {job} ended as {run['status']}: {run['error']}")
        return run

    async def _report(self, account_id: int, run: Json, again: Json, took_s: float) -> None:
        summary = await self._get(f"/v1/accounts/{account_id}/sync-summary")
        self._console.print(tables.run_counts(run, took_s))
        self._console.print(tables.states(summary))
        self._console.print(tables.calls(run, again))
        failures = await self._get("/v1/failures", account_id=account_id, limit=5)
        self._console.print(tables.failures(failures["items"]))
        synced = sum(each["people"] for each in summary["states"] if each["state"] == "synced")
        waiting = summary["due"] + summary["retry_later"] + summary["waiting_for_change"]
        _must(waiting == sum(_people(summary, "failed")), "somebody is still due")
        _must(synced == run["counts"]["created"], "not everyone who was created is synced")
        _must(not again["calls"], "a run without changes made calls")
        self._console.print(
            f"\n[green]{synced:,} people are in step with Dotdigital.[/] A run without changes "
            "made no call."
        )

    async def _post(self, path: str, body: Json) -> Json:
        return _checked(await self._client.post(path, json=body))

    async def _get(self, path: str, **query: Any) -> Json:  # noqa: ANN401 - query values
        return _checked(await self._client.get(path, params=query))


def _people(summary: Mapping[str, Any], state: str) -> list[int]:
    return [each["people"] for each in summary["states"] if each["state"] == state]


def _must(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it is what is asserted
    if not holds:
        raise DemoFailedError(otherwise)


def _checked(answer: httpx.Response) -> Json:
    if answer.is_error:
        raise DemoFailedError(f"{answer.request.method} {answer.request.url}: {answer.text}")
    body: Json = answer.json()
    return body
