"""How the demo speaks with the service and with the sandbox, and shows a run while it goes."""

import asyncio
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_LOOK_EVERY_S = 0.2
_ENDED = frozenset({"succeeded", "partial", "failed", "cancelled"})
Json = dict[str, Any]


class DemoFailedError(Exception):
    """Something is not as it must be; the text says what."""


class Calls:
    """One side's REST API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Take a client that knows the address and the key."""
        self._client = client

    async def get(self, path: str, **query: Any) -> Json:  # noqa: ANN401 - query values
        """Return what is there; raises DemoFailedError."""
        return checked(await self._client.get(path, params=query))

    async def post(self, path: str, body: Json) -> Json:
        """Send this; raises DemoFailedError."""
        return checked(await self._client.post(path, json=body))

    async def patch(self, path: str, body: Json) -> Json:
        """Change this; raises DemoFailedError."""
        return checked(await self._client.patch(path, json=body))

    async def upload(self, path: str, content: bytes, content_type: str) -> Json:
        """Send a file; raises DemoFailedError."""
        headers = {"Content-Type": content_type}
        return checked(await self._client.post(path, content=content, headers=headers))


async def run_job(calls: Calls, console: Console, job: str, account_id: int, title: str) -> Json:
    """Run a job to its end, and to that of its imports; raises DemoFailedError."""
    run = await calls.post(f"/v1/jobs/{job}/runs", {"account_id": account_id})
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as progress:
        task = progress.add_task(title, total=None)
        while run["status"] not in _ENDED or run["counts"].get("pending"):
            await asyncio.sleep(_LOOK_EVERY_S)
            run = await calls.get(f"/v1/runs/{run['id']}")
            done, total = run["progress"]["done"], run["progress"]["total"]
            progress.update(task, completed=done, total=total)
    if run["status"] not in {"succeeded", "partial"}:
        raise DemoFailedError(f"the run of {job} ended as {run['status']}: {run['error']}")
    return run


def must(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it is what is asserted
    """Raise DemoFailedError where it doesn't hold."""
    if not holds:
        raise DemoFailedError(otherwise)


def checked(answer: httpx.Response) -> Json:
    """Return the body; raises DemoFailedError for an error."""
    if answer.is_error:
        raise DemoFailedError(f"{answer.request.method} {answer.request.url}: {answer.text}")
    body: Json = answer.json()
    return body
