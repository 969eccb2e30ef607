"""``python -m benchmarks``: every figure beside its limit, in one run."""

import argparse
import asyncio
import os
import platform
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from app.db import asyncpg_arguments
from benchmarks import activities, filters, importing, rest, sending, starting
from benchmarks.ground import Ground
from benchmarks.places import private_folder, server
from benchmarks.processes import ROOT, MeasuringError
from benchmarks.report import Figure, as_markdown, as_table, summary

RESULTS = ROOT / "benchmarks" / "results.md"
DEFAULT_PEOPLE = 1_000_000

GROUPS: dict[str, Callable[[Ground], Awaitable[list[Figure]]]] = {
    "start": starting.start,
    "import": importing.import_people,
    "calls": sending.calls,
    "send": sending.send,
    "changes": sending.changes,
    "idle": sending.idle,
    "activities": activities.retrieve,
    "match": activities.match,
    "rest": rest.throughput,
    "latency": rest.latency,
    "filters": filters.filters,
}
#: What may keep a figure from being measured; the others are measured all the same.
_FAULTS = (
    MeasuringError,
    OSError,
    TimeoutError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    httpx.HTTPError,
    SQLAlchemyError,
)


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--people", type=int, default=DEFAULT_PEOPLE, help="default: %(default)s")
    parser.add_argument(
        "--only", choices=GROUPS, action="append", help="repeatable; results.md is left alone"
    )
    given = parser.parse_args()
    if given.people < 100:
        parser.error("--people: at least 100")
    try:
        code = asyncio.run(
            _until_told(bench(given.people, given.only or list(GROUPS), whole=not given.only))
        )
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped")
    sys.exit(code)


async def _until_told(benching: Coroutine[Any, Any, int]) -> int:
    """Stop at SIGTERM as at SIGINT: what was started is ended, what was made is removed."""
    task = asyncio.ensure_future(benching)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


async def bench(people: int, names: list[str], *, whole: bool) -> int:
    """Measure these groups of figures; return the exit code: 1 where one was not measured."""
    console = Console()
    figures: list[Figure] = []
    failed: list[str] = []
    with private_folder() as folder, server(folder) as server_url:
        circumstances = await _circumstances(server_url, people)
        async with AsyncExitStack() as stack:
            say = _saying(console, stack)
            ground = Ground(server_url, folder, people, say, stack)
            for name in names:
                try:
                    measured = await GROUPS[name](ground)
                except _FAULTS as fault:
                    failed.append(f"{name} was not measured: {type(fault).__name__}: {fault}")
                    console.print(failed[-1], style="bold red", markup=False)
                    continue
                figures += measured
                for figure in measured:
                    console.print("  ".join(figure.cells()[:4]), markup=False, highlight=False)
    if whole:
        await asyncio.to_thread(_write, figures, [*circumstances, *failed])
    # So that the notes stand in full where nobody looks at a terminal.
    wide = console if console.is_terminal else Console(width=240)
    wide.print(as_table(figures, f"{people:,} people"), soft_wrap=False)
    console.print(*failed, summary(figures), sep="\n", markup=False, highlight=False)
    return 1 if failed else 0


def _saying(console: Console, stack: AsyncExitStack) -> Callable[[str], None]:
    """Return what shows what goes on: a line that changes, or a line each in a log."""
    if console.is_terminal:
        return stack.enter_context(console.status("starting")).update

    def say(what: str) -> None:
        console.print(f"... {what}", style="dim", markup=False, highlight=False)

    return say


def _write(figures: list[Figure], circumstances: list[str]) -> None:
    draft = RESULTS.with_suffix(".md.tmp")
    draft.write_text(as_markdown(figures, "Figures", circumstances), encoding="utf-8")
    draft.replace(RESULTS)


async def _circumstances(server_url: str, people: int) -> list[str]:
    connection = await asyncpg.connect(**asyncpg_arguments(server_url))
    try:
        postgres = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    machine = (
        f"Measured by `make bench` on {datetime.now(UTC):%Y-%m-%d}, {people:,} people: "
        f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, PostgreSQL {postgres} (the embedded one, as it "
        f"comes), load average {load} before. Everything runs on this one machine, on loopback."
    )
    return [machine]


if __name__ == "__main__":
    main()
