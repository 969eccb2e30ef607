"""What the demo does, in order, and how it tells of it: first out, then back."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from rich.console import Console

from app.demo import tables
from app.demo.answers import Answers
from app.demo.calls import Calls, DemoFailedError, Json, must, run_job
from app.demo.processes import DidNotStartError, StandIn, sandbox_process, service_process
from app.settings import Settings
from samples.people import write_csv

#: Person field, data field to be made, what a blank does, and which way it goes.
MAPPINGS = (
    ("job_title", "JOB_TITLE", "clear", "to_dotdigital"),
    ("organisation", "COMPANY", "clear", "to_dotdigital"),
    ("city", "CITY", "clear", "two_way"),
    ("country", "COUNTRY", "keep", "to_dotdigital"),
    ("custom.tier", "TIER", "clear", "to_dotdigital"),
    ("custom.points", "POINTS", "clear", "to_dotdigital"),
    ("custom.birthday", "BIRTHDAY", "keep", "to_dotdigital"),
    ("custom.tags[*]", "TAGS", "clear", "to_dotdigital"),
    ("custom.orders[0].sku", "LAST_SKU", "keep", "to_dotdigital"),
)
LISTS = (("Newsletter", 1), ("VIPs", 10))


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
            httpx.AsyncClient(base_url=stand_in.url, timeout=120) as control,
        ):
            await _Story(console, Calls(client), Calls(control), stand_in).tell(people)
    except (DemoFailedError, DidNotStartError, httpx.HTTPError) as error:
        console.print(f"[red]The demo failed:[/] {error}")
        return 1
    return 0


class _Story:
    """The chapters of the demo."""

    def __init__(self, console: Console, calls: Calls, control: Calls, stand_in: StandIn) -> None:
        self._console = console
        self._calls = calls
        self._control = control
        self._stand_in = stand_in

    async def tell(self, people: int) -> None:
        """Account, people, mappings, lists, the send, what became of everyone, what came back."""
        self._console.print(
            "dotsync, end to end. Dotdigital is played by the sandbox, a stand-in.\n"
        )
        account = await self._make_account()
        await self._import_people(people)
        await self._make_mappings(account["id"])
        await self._make_lists(account["id"])
        await self._prepare_refusals(account["dotdigital_account_id"])
        began = perf_counter()
        run = await self._run("send_people", account["id"], "Sending people")
        took_s = perf_counter() - began
        again = await self._run("send_people", account["id"], "Once more, nothing changed")
        await self._report(account["id"], run, again, took_s)
        sent = await self._run("send_lists", account["id"], "Sending lists")
        self._console.print(tables.counts_of(sent, "Lists"))
        await Answers(self._console, self._calls, self._control, account).tell()

    async def _run(self, job: str, account_id: int, title: str) -> Json:
        return await run_job(self._calls, self._console, job, account_id, title)

    async def _make_account(self) -> Json:
        body = {
            "name": "Demo",
            "username": self._stand_in.username,
            "password": self._stand_in.password,
        }
        account = await self._calls.post("/v1/accounts", body)
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
            outcome = await self._calls.upload("/v1/people/import", file.read_bytes(), "text/csv")
        took_s = perf_counter() - began
        self._console.print(
            f"Imported {outcome['created']:,} people from CSV in {took_s:.1f} s; "
            f"{outcome['rejected']:,} rows rejected:"
        )
        self._console.print(tables.rejected(outcome["errors"]))

    async def _make_mappings(self, account_id: int) -> None:
        for person_field, data_field, when_blank, direction in MAPPINGS:
            await self._calls.post(
                "/v1/mappings?create_missing=true",
                {
                    "account_id": account_id,
                    "person_field": person_field,
                    "dotdigital_field": data_field,
                    "when_blank": when_blank,
                    "direction": direction,
                },
            )
        preference = {
            "account_id": account_id,
            "kind": "preference",
            "person_field": "custom.newsletter",
            "dotdigital_field": "News > Newsletter",
        }
        await self._calls.post("/v1/mappings?create_missing=true", preference)
        found = await self._calls.get("/v1/mappings", account_id=account_id)
        self._console.print(f"{len(found['items'])} mappings, the standard ones among them")

    async def _make_lists(self, account_id: int) -> None:
        page = await self._calls.get("/v1/people", limit=1000)
        ids = [person["id"] for person in page["items"]]
        for name, every in LISTS:
            made = await self._calls.post(
                "/v1/lists",
                {"name": name, "account_id": account_id, "synchronisation_with": "dotdigital"},
            )
            await self._calls.post(f"/v1/lists/{made['id']}/members", {"person_ids": ids[::every]})
        told = " and ".join(f"{name} ({len(ids[::every])})" for name, every in LISTS)
        self._console.print(f"Lists {told}\n")

    async def _prepare_refusals(self, dotdigital_account_id: int) -> None:
        """Let the sandbox refuse a few, and take a moment, as the real one does."""
        page = await self._calls.get("/v1/people", limit=200)
        emails = [person["email"].lower() for person in page["items"] if person["email"]]
        blocked, suppressed = emails[10:13], emails[20:22]
        settings = {
            "import_duration_s": 2,
            "blocked_addresses": blocked,
            "globally_suppressed": suppressed,
        }
        await self._control.patch(f"/_sandbox/accounts/{dotdigital_account_id}/settings", settings)
        self._console.print(
            f"The sandbox blocks {len(blocked)} addresses and suppresses "
            f"{len(suppressed)}, to show what becomes of refusals.\n"
        )

    async def _report(self, account_id: int, run: Json, again: Json, took_s: float) -> None:
        summary = await self._calls.get(f"/v1/accounts/{account_id}/sync-summary")
        self._console.print(tables.run_counts(run, took_s))
        self._console.print(tables.states(summary))
        self._console.print(tables.calls(run, again))
        failures = await self._calls.get("/v1/failures", account_id=account_id, limit=5)
        self._console.print(tables.failures(failures["items"]))
        synced = sum(each["people"] for each in summary["states"] if each["state"] == "synced")
        waiting = summary["due"] + summary["retry_later"] + summary["waiting_for_change"]
        must(waiting == sum(_people(summary, "failed")), "somebody is still due")
        must(synced == run["counts"]["created"], "not everyone who was created is synced")
        must(not again["calls"], "a run without changes made calls")
        self._console.print(
            f"\n[green]{synced:,} people are in step with Dotdigital.[/] A run without changes "
            "made no call.\n"
        )


def _people(summary: Mapping[str, Any], state: str) -> list[int]:
    return [each["people"] for each in summary["states"] if each["state"] == state]
