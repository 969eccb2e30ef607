"""``python -m app ...``: serve, migrate, demo, sandbox, run a job, import people, keys, openapi."""

import asyncio
import dataclasses
import json
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal

import typer
import uvicorn

from app.clock import SystemClock
from app.db import Database, current_revision, database_url, migrate
from app.main import Parts, create_app, running_parts
from app.models.api_keys import SCOPES
from app.observability import Metrics
from app.openapi_page import as_markdown
from app.services.api_keys import create_key as store_key
from app.services.people_import import import_file
from app.settings import Settings
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.queue import QueueWorker, trigger_run

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="dotsync keeps people, lists and mappings in step with Dotdigital.",
)

_ONLY_IN_A_CHECKOUT = "The sandbox and the samples are in a checkout, not in the image."

_LOOKS_EVERY_S = 0.1

ModeWord = Literal["changes", "full", "dry_run"]


def main() -> None:
    """Run the command line."""
    commands()


@commands.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Default: DOTSYNC_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Default: DOTSYNC_PORT.")] = None,
) -> None:
    """Start the service."""
    settings = Settings()
    config = uvicorn.Config(
        create_app(settings),
        host=host or settings.host,
        port=settings.port if port is None else port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=max(int(settings.shutdown_seconds), 1),
        server_header=False,
    )
    _Server(config).run()


class _Server(uvicorn.Server):
    """uvicorn's server, but one that drains first, and has not failed when it was asked to stop."""

    _drains = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._parts is not None:
            self._parts.drain()
        # Whoever presses Ctrl-C waits for nobody, nor whoever asks again.
        self._drains = sig == signal.SIGTERM and not self.should_exit
        super().handle_exit(sig, frame)
        # It would raise them again once it has stopped, and end the process by the signal.
        self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Go on answering for a while, then close connections, all in the time there is."""
        if (parts := self._parts) is not None:
            until = parts.clock.monotonic() + parts.settings.drain_seconds
            while self._drains and parts.clock.monotonic() < until and parts.seconds_to_stop() > 1:
                await parts.clock.sleep(_LOOKS_EVERY_S)
            self.config.timeout_graceful_shutdown = max(int(parts.seconds_to_stop()), 1)
        await super().shutdown(sockets)

    @property
    def _parts(self) -> Parts | None:
        return getattr(self.config.app.state, "parts", None)  # type: ignore[union-attr]


@commands.command(name="migrate")
def migrate_command(
    revision: Annotated[
        Literal["head", "base"], typer.Argument(help="Up, or all the way back.")
    ] = ("head"),
) -> None:
    """Bring the schema to head, or take all of it back."""

    async def move() -> str | None:
        database = Database(await database_url(Settings()))
        try:
            await migrate(database.engine, revision)
            return await current_revision(database.engine)
        finally:
            await database.close()

    typer.echo(f"The schema stands at {asyncio.run(move()) or 'nothing'}.")


@commands.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Port of its first region; 0: any.")] = 9000,
) -> None:
    """Start the sandbox: a stand-in Dotdigital, for trying things out."""
    if find_spec("sandbox") is None:
        raise typer.BadParameter(_ONLY_IN_A_CHECKOUT)
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", "--port", str(port)])  # noqa: S606 - our own


@commands.command()
def demo(
    people: Annotated[int, typer.Option(help="How many people to make up.")] = 10_000,
) -> None:
    """Run the whole job end to end on the embedded Postgres and the sandbox."""
    if find_spec("sandbox") is None or find_spec("samples") is None:
        raise typer.BadParameter(_ONLY_IN_A_CHECKOUT)
    from app.demo import run_demo  # noqa: PLC0415 - the other commands need none of it

    raise typer.Exit(asyncio.run(run_demo(people)))


@commands.command(name="run")
def run_job(
    job: Annotated[str, typer.Argument(help=f"One of {', '.join(JOB_FUNCTIONS)}.")],
    account_id: Annotated[int, typer.Option(help="Of which account.")],
    mode: Annotated[ModeWord, typer.Option(help="What to send.")] = "changes",
) -> None:
    """Run a job now, here or in a replica that is quicker; exit code 1 when it fails."""
    if job not in JOB_FUNCTIONS:
        raise typer.BadParameter(f"This version runs {', '.join(JOB_FUNCTIONS)}, and no {job}.")

    async def execute(parts: Parts) -> Any:  # noqa: ANN401 - a row
        if not await parts.database.pool.fetchval(
            "SELECT 1 FROM accounts WHERE id = $1", account_id
        ):
            raise typer.BadParameter(f"There is no account {account_id}.")
        async with parts.database.transaction() as connection:
            run_id = await trigger_run(
                connection,
                account_id=account_id,
                job=job,
                mode=mode,
                trigger="manual",
                at=parts.clock.now(),
            )
        return await _until_ended(parts, run_id)

    run = asyncio.run(_with_parts(execute))
    typer.echo(json.dumps(dict(run), indent=2))
    raise typer.Exit(0 if run["status"] in {"succeeded", "partial"} else 1)


@commands.command()
def import_people(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    columns: Annotated[str, typer.Option(help="JSON object: header to person field.")] = "{}",
    phone_region: Annotated[str | None, typer.Option(help="Such as GB or US.")] = None,
) -> None:
    """Import people from a CSV or NDJSON file, as POST /v1/people/import does."""

    async def load(parts: Parts) -> Any:  # noqa: ANN401 - an outcome
        return await import_file(
            parts.database,
            file,
            columns=json.loads(columns),
            phone_region=phone_region or parts.settings.default_phone_region,
        )

    outcome = asyncio.run(_with_parts(load))
    typer.echo(json.dumps(dataclasses.asdict(outcome), indent=2, default=str))
    raise typer.Exit(1 if outcome.rejected else 0)


@commands.command()
def create_key(
    name: Annotated[str, typer.Argument(help="What tells the key apart.")],
    scopes: Annotated[
        str, typer.Option(help="Any of read, write, sync, admin, with commas between.")
    ] = "read",
) -> None:
    """Make an API key; it is printed once."""
    chosen = [scope.strip() for scope in scopes.split(",")]
    if unknown := set(chosen) - set(SCOPES):
        raise typer.BadParameter(f"There is no scope {', '.join(sorted(unknown))}.")

    async def make(parts: Parts) -> str:
        async with parts.database.writing() as session:
            return (await store_key(session, name, chosen))[1]

    typer.echo(asyncio.run(_with_parts(make)))


@commands.command()
def openapi(
    as_json: Annotated[bool, typer.Option("--json", help="The document itself.")] = False,  # noqa: FBT002 - typer's way
) -> None:
    """Print the API's documents: `openapi.md`, or the OpenAPI document as JSON."""
    document = create_app(Settings(_env_file=None)).openapi()
    typer.echo(json.dumps(document, indent=2) if as_json else as_markdown(document), nl=False)


async def _until_ended(parts: Parts, run_id: int) -> Any:  # noqa: ANN401 - a row
    """Work as a replica does until the run has ended, whoever took it; return its row."""
    worker = QueueWorker(
        parts.database,
        parts.engine.execute,
        heartbeat_timeout_s=parts.settings.heartbeat_timeout_seconds,
    )
    working = asyncio.create_task(worker.run())
    try:
        while True:
            run = await parts.database.pool.fetchrow(
                "SELECT id, status, counts, calls, error FROM runs WHERE id = $1", run_id
            )
            if run["status"] not in {"queued", "running"}:
                return run
            await parts.clock.sleep(0.2)
    finally:
        worker.stop()
        await working


async def _with_parts(action: Callable[[Parts], Awaitable[Any]]) -> Any:  # noqa: ANN401 - the action's
    """Do something with the service's parts, on a migrated database, without serving."""
    settings = Settings()
    async with running_parts(settings, SystemClock(), Metrics()) as parts:
        await parts.database.open()
        if settings.migrate_at_start:
            await migrate(parts.database.engine)
        return await action(parts)
