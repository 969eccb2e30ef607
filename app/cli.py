"""``python -m app ...``: serve, migrate, demo, sandbox, run a job, import people, keys, openapi."""

import asyncio
import dataclasses
import json
import os
import sys
from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import phonenumbers
import structlog
import typer
from cryptography.fernet import Fernet

from app.clock import SystemClock
from app.data_dir import pgdata_in
from app.db import (
    Database,
    WriteSession,
    current_revision,
    database_url,
    migrate,
    raw_connection,
)
from app.errors import AccountPaused, Problem
from app.lifetime import NOT_THERE_YET, shown_place, unreachable
from app.main import Parts, create_app, running_parts
from app.models.api_keys import SCOPES
from app.observability import Metrics, configure_logging
from app.openapi_page import as_markdown
from app.services import audit
from app.services.api_keys import create_key as store_key
from app.services.column_map import read_columns
from app.services.csv_rows import delimiter_named
from app.services.decoding import known_charset
from app.services.import_outcome import ImportOutcome
from app.services.jobs import check_triggerable
from app.services.people_file import FileOptions
from app.services.people_import import format_of, import_file
from app.serving import serve as run_service
from app.setting_faults import read_settings, unknown_settings
from app.settings import Settings
from app.start_errors import StartError
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.queue import QueueWorker, trigger_run

commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="dotsync keeps people, lists and mappings in step with Dotdigital.",
)

log = structlog.get_logger(__name__)

_ONLY_IN_A_CHECKOUT = "The sandbox and the samples are in a checkout, not in the image."

_ACTOR = "command line"
#: As click's own for arguments that make no sense.
_REFUSED = 2

Answer = TypeVar("Answer")
ModeWord = Literal["changes", "full", "dry_run"]


def main() -> None:
    """Run the command line; what can't be done is told in a line or two, with exit code 2."""
    try:
        commands()
    except StartError as error:
        _refuse(str(error))
    except Problem as problem:
        _refuse(problem.detail)


def _refuse(told: str) -> NoReturn:
    typer.echo(told, err=True)
    sys.exit(_REFUSED)


def _settings() -> Settings:
    """Read the settings, set up the log by them, and warn of variables that nobody reads."""
    settings = read_settings()
    configure_logging(settings.log_format, settings.log_level)
    for unknown in unknown_settings():
        log.warning("unknown_setting", variable=unknown.name, did_you_mean=unknown.nearest)
    return settings


@commands.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Default: DOTSYNC_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Default: DOTSYNC_PORT.", min=0, max=65535)
    ] = None,
) -> None:
    """Start the service."""
    settings = _settings()
    run_service(settings, host or settings.host, settings.port if port is None else port)


@commands.command(name="migrate")
def migrate_command(
    revision: Annotated[
        Literal["head", "base"], typer.Argument(help="Up, or all the way back.")
    ] = ("head"),
) -> None:
    """Bring the schema to head, or take all of it back."""
    settings = _settings()

    async def move() -> str | None:
        database = Database(await database_url(settings))
        try:
            await migrate(database.engine, revision)
            return await current_revision(database.engine)
        except NOT_THERE_YET as error:
            raise unreachable(database, error) from error
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
    *,
    even_paused: Annotated[
        bool,
        typer.Option("--even-paused", help="Although POST /v1/sync/stop paused the account."),
    ] = False,
) -> None:
    """Run a job now, here or in a replica that is quicker; exit code 1 when it fails.

    A paused account is left alone, as it is over REST.
    """
    if job not in JOB_FUNCTIONS:
        raise typer.BadParameter(f"This version runs {', '.join(JOB_FUNCTIONS)}, and no {job}.")

    async def execute(parts: Parts) -> Any:  # noqa: ANN401 - a row
        async with parts.database.writing() as session:
            await _check_run(session, account_id, job, even_paused=even_paused)
            run_id = await trigger_run(
                await raw_connection(session),
                account_id=account_id,
                job=job,
                mode=mode,
                trigger="manual",
                at=parts.clock.now(),
            )
            detail = {"mode": mode, "even_paused": even_paused}
            audit.record(session, _ACTOR, "run_triggered", "run", run_id, detail)
        return await _until_ended(parts, run_id)

    run = asyncio.run(_with_parts(_settings(), execute))
    typer.echo(json.dumps(dict(run), indent=2))
    raise typer.Exit(0 if run["status"] in {"succeeded", "partial"} else 1)


@commands.command()
def import_people(  # noqa: PLR0913 - a parameter for each option
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    columns: Annotated[
        str | None,
        typer.Option(help='JSON object from header to person field: {"phone1": "mobile_number"}.'),
    ] = None,
    phone_region: Annotated[str | None, typer.Option(help="Such as GB or US.")] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="comma, semicolon, tab or pipe. Default: by the first line.")
    ] = None,
    charset: Annotated[str, typer.Option(help="Of CSV, such as iso-8859-1.")] = "utf-8",
    blank: Annotated[
        Literal["clear", "keep"], typer.Option(help="What a blank cell of CSV does to its field.")
    ] = "clear",
    from_line: Annotated[int, typer.Option(min=1, help="Pass over rows before this line.")] = 1,
    *,
    lift_opt_outs: Annotated[
        bool,
        typer.Option("--lift-opt-outs", help="Let no_email = no opt those in who have opted out."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Try it all, and store nothing.")
    ] = False,
) -> None:
    """Import people from a CSV or NDJSON file, as POST /v1/people/import does.

    Exit code 1 where rows were rejected, 2 where the file was refused.
    """
    settings = _settings()
    options = FileOptions(
        format=format_of(file),
        phone_region=_region(phone_region) or settings.default_phone_region,
        columns=read_columns(columns),
        delimiter=_delimiter(delimiter),
        charset=_charset(charset),
        keeps_blank=blank == "keep",
        from_line=from_line,
    )

    async def load(parts: Parts) -> ImportOutcome:
        return await import_file(
            parts.database, file, options=options, dry_run=dry_run, lift_opt_outs=lift_opt_outs
        )

    outcome = asyncio.run(_with_parts(settings, load))
    typer.echo(json.dumps(dataclasses.asdict(outcome), indent=2, default=str))
    raise typer.Exit(1 if outcome.rejected else 0)


def _region(given: str | None) -> str | None:
    if given is not None and given.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise typer.BadParameter(f"--phone-region: {given!r} is no region; write it like US or GB.")
    return given and given.upper()


def _delimiter(given: str | None) -> str | None:
    try:
        return given and delimiter_named(given)
    except ValueError as error:
        raise typer.BadParameter(f"--delimiter: {error}") from error


def _charset(given: str) -> str:
    if (known := known_charset(given)) is None:
        raise typer.BadParameter(
            f"--charset: {given!r} is not taken here; write utf-8, utf-16, iso-8859-1 or another "
            "of its family, or windows-1252 or another of its."
        )
    return known


@commands.command()
def create_key(
    name: Annotated[str, typer.Argument(help="What tells the key apart.")],
    scopes: Annotated[
        str, typer.Option(help="Any of read, write, sync, admin, with commas between.")
    ] = "read",
) -> None:
    """Make an API key; it is printed once, and on stderr which database has it."""
    chosen = [scope.strip() for scope in scopes.split(",")]
    if unknown := set(chosen) - set(SCOPES):
        near = get_close_matches(min(unknown), SCOPES, n=1)
        raise typer.BadParameter(
            f"There is no scope {', '.join(sorted(unknown))}; there are {', '.join(SCOPES)}."
            + (f" Did you mean {near[0]}?" if near else "")
        )

    settings = _settings()
    _refuse_new_database(settings)

    async def make(parts: Parts) -> tuple[str, str]:
        async with parts.database.writing() as session:
            _, token = await store_key(session, name, chosen)
        return token, shown_place(settings, parts.database)

    token, place = asyncio.run(_with_parts(settings, make))
    typer.echo(f"The key works for the service on {place}:", err=True)
    typer.echo(token)


@commands.command()
def create_credentials_key() -> None:
    """Make a key for DOTSYNC_CREDENTIALS_KEYS, which stored passwords are encrypted with."""
    typer.echo(Fernet.generate_key().decode())


@commands.command()
def openapi(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The document itself.")] = False,
) -> None:
    """Print the API's documents: `openapi.md`, or the OpenAPI document as JSON."""
    # The same document whatever is set here, be it wrong.
    document = create_app(Settings.model_construct()).openapi()
    typer.echo(json.dumps(document, indent=2) if as_json else as_markdown(document), nl=False)


def _refuse_new_database(settings: Settings) -> None:
    """Raise StartError where there is no database yet: no service would know a key made in it."""
    pgdata = pgdata_in(settings.data_dir)
    if settings.database_url is None and not (pgdata / "PG_VERSION").exists():
        raise StartError(
            f"There is no database in {pgdata}, so no service would know the key. Set "
            "DOTSYNC_DATABASE_URL or DOTSYNC_DATA_DIR as the service has it; a new service gets "
            "its first key by DOTSYNC_BOOTSTRAP_API_KEY, or by this command once it has started."
        )


async def _check_run(
    session: WriteSession, account_id: int, job: str, *, even_paused: bool
) -> None:
    """Raise what REST would where the job can't be run; says where ``--even-paused`` helps."""
    try:
        await check_triggerable(session, account_id, job, JOB_FUNCTIONS, even_paused=even_paused)
    except AccountPaused as paused:
        await check_triggerable(session, account_id, job, JOB_FUNCTIONS, even_paused=True)
        raise AccountPaused(f"{paused.detail} --even-paused runs it all the same.") from paused


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


async def _with_parts(settings: Settings, action: Callable[[Parts], Awaitable[Answer]]) -> Answer:
    """Do something with the service's parts, on a migrated database, without serving."""
    async with running_parts(settings, SystemClock(), Metrics()) as parts:
        try:
            await parts.database.open()
            if settings.migrate_at_start:
                await migrate(parts.database.engine)
        except NOT_THERE_YET as error:
            raise unreachable(parts.database, error) from error
        return await action(parts)
