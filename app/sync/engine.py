"""Runs any job: claims the run, hands it a client, and records how it ended.

What a job does is in its own file; what is common to all of them is here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlmodel import select

from app.clients.dotdigital import (
    CallRecord,
    DotdigitalClient,
    DotdigitalError,
    Priority,
    WrongRegion,
)
from app.clock import Clock
from app.db import Database
from app.errors import CredentialsUnreadable, Problem
from app.models import Account
from app.services.account_calls import note_state, note_well
from app.services.account_settings import AccountSettings
from app.services.cipher import UnreadableCredentialsError
from app.services.dotdigital import DotdigitalConnector, problem_of
from app.settings import Settings
from app.sync import runs
from app.sync.region_moves import follow_move
from app.sync.runs import CancelRequested, Interrupted, Run, RunStopped

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class JobContext:
    """What a job is given: its run, its account, and a client at the run's priority."""

    run: Run
    database: Database
    clock: Clock
    settings: Settings
    account: Account
    account_settings: AccountSettings
    client: DotdigitalClient

    @property
    def account_id(self) -> int:
        """Return the account's id."""
        return self.account.id


JobFunction = Callable[[JobContext], Awaitable[None]]


class Engine:
    """Executes runs, one call of `execute` each; several go on at once."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        settings: Settings,
        connector: DotdigitalConnector,
        jobs: dict[str, JobFunction],
        on_finished: Callable[[str, str], None] | None = None,
    ) -> None:
        """Take the parts; ``on_finished`` is told of each run's end (job, status)."""
        self._database = database
        self._clock = clock
        self._settings = settings
        self._connector = connector
        self._jobs = jobs
        self._on_finished = on_finished
        self._stopping = asyncio.Event()
        self._executing: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Let every run stop at its next checkpoint, to be taken over elsewhere."""
        self._stopping.set()

    async def drained(self) -> None:
        """Wait until no run is in hand."""
        if self._executing:
            await asyncio.wait(self._executing)

    async def execute(self, run_id: int) -> None:
        """Claim and execute a run to its end; does nothing when it has ended already."""
        run = await runs.claim(self._database, self._clock, run_id, self._stopping)
        if run is None:
            return
        task = asyncio.ensure_future(self._execute(run))
        self._executing.add(task)
        task.add_done_callback(self._executing.discard)
        # Whoever cancels the waiting must not cut a batch in half.
        await asyncio.shield(task)

    async def _execute(self, run: Run) -> None:
        logger = log.bind(run_id=run.id, job=run.job, account_id=run.account_id)
        logger.info("run_starts", mode=run.mode, trigger=run.trigger, attempt=run.attempt)
        await run.note("started" if run.attempt == 1 else "taken_over", attempt=run.attempt)
        status, error = await self._outcome(run, logger)
        if status is None:
            return
        await run.finish(status, error)
        reason = {"detail": error["detail"]} if error else {}
        await run.note(status, **reason)
        tell = logger.warning if status == "failed" else logger.info
        tell("run_ends", status=status, **reason, **run.counts)
        if self._on_finished is not None:
            self._on_finished(run.job, status)

    async def _outcome(
        self, run: Run, logger: structlog.stdlib.BoundLogger
    ) -> tuple[str | None, dict[str, object] | None]:
        """Return the status and problem the run ends with; no status when it goes on elsewhere."""
        try:
            await self._run_job(run)
        except RunStopped as stop:
            return await self._stopped(run, stop), None
        except (DotdigitalError, Problem) as error:
            return "failed", await self._known_fault(run, error)
        except Exception:
            # The one place where a job's own fault ends: the run says so, the rest go on.
            logger.exception("run_failed")
            return "failed", as_problem(Problem("The run met a fault of ours; the log has it."))
        if run.calls:
            await note_well(self._database, run.account_id)
        return ("partial" if run.counts["failed"] else "succeeded"), None

    async def _run_job(self, run: Run) -> None:
        context = await self._context(run)
        try:
            await self._jobs[run.job](context)
        except WrongRegion:
            # Every job goes on from what stands, so it can begin again on the host that was found.
            if not await follow_move(self._database, self._connector, context.account):
                raise
            await run.note("account_moved")
            await self._jobs[run.job](await self._context(run))

    async def _stopped(self, run: Run, stop: RunStopped) -> str | None:
        """Return the status of a run that was stopped; None when it goes on elsewhere."""
        match stop:
            case CancelRequested():
                return "cancelled"
            case Interrupted():
                await run.hand_back()
                await run.note("handed_back")
            case _:
                log.warning("run_superseded", run_id=run.id, attempt=run.attempt)
        return None

    async def _known_fault(self, run: Run, error: DotdigitalError | Problem) -> dict[str, object]:
        """Return the problem that ends the run; the account shows what Dotdigital said."""
        if isinstance(error, Problem):
            return as_problem(error)
        await note_state(self._database, run.account_id, error)
        log.warning("run_stopped_by_dotdigital", run_id=run.id, error=str(error))
        return as_problem(problem_of(error))

    async def _context(self, run: Run) -> JobContext:
        async with self._database.reading() as session:
            account = (
                await session.execute(select(Account).where(Account.id == run.account_id))
            ).scalar_one()
        priority = Priority.MANUAL if run.trigger == "manual" else Priority.SCHEDULE

        def count(record: CallRecord) -> None:
            run.calls[record.scope or "unknown"] += 1

        try:
            client = self._connector.client(account, priority, on_call=count)
        except UnreadableCredentialsError as error:
            await note_state(self._database, run.account_id, error)
            raise CredentialsUnreadable(str(error)) from error
        return JobContext(
            run=run,
            database=self._database,
            clock=self._clock,
            settings=self._settings,
            account=account,
            account_settings=AccountSettings.from_stored(account.settings),
            client=client,
        )


def as_problem(problem: Problem) -> dict[str, object]:
    """Return the problem as it stands in a run's record."""
    return {
        "type": f"/problems/{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
