"""Work that an account does later: imports of contacts, deletions. Both APIs share them.

A job waits until its time by the sandbox's clock, then goes through its records a few hundred at a
time, so that other calls are answered in between. Jobs of one account go one after another.
"""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from sandbox.clock import SandboxClock

JobKind: TypeAlias = Literal["import", "deletion", "list-deletion", "sending"]

#: Records between two turns of the event loop.
CHUNK = 500


class Fate(NamedTuple):
    """How a job ends whatever is in it; a fault decides it."""

    #: It ends with this status without touching a record.
    status: str | None = None
    #: It never ends.
    hangs: bool = False


USUAL = Fate()


@dataclass(slots=True, eq=False)
class Job:
    """One job; what it found is kept by whoever submitted it, in ``report``."""

    id: str
    kind: JobKind
    #: `v2` or `v3`: each answers for its own jobs only.
    api: str
    submitted_ms: int
    due_ms: int
    total: int
    report: object
    fate: Fate
    #: None while it runs, else a final status as the API spells it: `Finished`, `Failed`, ...
    status: str | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Jobs:
    """The jobs of one account."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._held: list[tuple[Job, Callable[[], Coroutine[Any, Any, None]]]] = []
        self._turn = asyncio.Lock()

    def find(self, job_id: str, kind: JobKind, api: str) -> Job | None:
        """Return the job of this id if it is of this kind and API."""
        job = self._jobs.get(job_id.lower())
        return job if job is not None and (job.kind, job.api) == (kind, api) else None

    def active(self, kind: JobKind) -> int:
        """Return how many jobs of a kind have not ended, over both APIs."""
        return sum(job.kind == kind and job.status is None for job in self._jobs.values())

    def submit(
        self,
        kind: JobKind,
        api: str,
        *,
        total: int,
        duration_s: float,
        apply: Callable[[int, int], None],
        report: object,
        finish: Callable[[], str] = lambda: "Finished",
        fate: Fate = USUAL,
    ) -> Job:
        """Take a job in: ``apply(start, stop)`` does a run of records, ``finish`` names its end.

        Neither may raise: what a record lacks belongs into the report.
        """
        now_ms = self._clock.now_ms()
        job = Job(
            str(uuid.uuid4()),
            kind,
            api,
            submitted_ms=now_ms,
            due_ms=now_ms + round(duration_s * 1000),
            total=total,
            report=report,
            fate=fate,
        )
        self._jobs[job.id] = job
        if fate.hangs:
            self._held.append((job, lambda: self._run(job, apply, finish)))
        else:
            self._start(self._run(job, apply, finish))
        return job

    async def look(self, job: Job) -> str | None:
        """Return the status of a job as it is now; None while it runs.

        A job whose time has come is waited for: with a duration of 0 it is over at the first look.
        """
        if not job.fate.hangs and job.due_ms <= self._clock.now_ms():
            await job.done.wait()
        return job.status

    def release(self) -> int:
        """Let jobs that hang go on; says how many."""
        held, self._held = self._held, []
        for job, work in held:
            job.fate = USUAL
            self._start(work())
        return len(held)

    async def close(self) -> None:
        """Drop what has not ended."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(
        self, job: Job, apply: Callable[[int, int], None], finish: Callable[[], str]
    ) -> None:
        await self._clock.wait_until(job.due_ms)
        async with self._turn:
            if job.fate.status is not None:
                job.status = job.fate.status
            else:
                for start in range(0, job.total, CHUNK):
                    apply(start, min(start + CHUNK, job.total))
                    await asyncio.sleep(0)
                job.status = finish()
            job.done.set()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
