"""Imports batch by batch: how far they read ahead, and what cuts them short between two batches."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from app.db import Database, asyncpg_arguments
from app.errors import Conflict, TooLarge
from app.services.column_map import targets_of
from app.services.import_outcome import ImportInterrupted, ImportOutcome
from app.services.import_rows import Unreadable
from app.services.people_file import FileOptions
from app.services.people_import import format_of, import_file, import_people
from samples.people import csv_chunks, figures, write_csv, write_ndjson

CSV = FileOptions(format="csv", phone_region="GB")
BATCH = 10


def file_of(count: int, first_name: str = "Anna", *, trip_at: int = 0) -> list[bytes]:
    """Return a file of so many nameless-but-for-this people, a row a chunk; one may trip."""
    names = ["Trip" if number == trip_at else first_name for number in range(1, count + 1)]
    return [b"email,first_name,title\n", *(f",{name},Dr\n".encode() for name in names)]


async def in_turn(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def run(
    database: Database,
    chunks: Iterable[bytes] | AsyncIterator[bytes],
    options: FileOptions = CSV,
    batch_rows: int = BATCH,
    *,
    dry_run: bool = False,
) -> ImportOutcome:
    """Import in small batches."""
    source = chunks if isinstance(chunks, AsyncIterator) else in_turn(chunks)
    return await import_people(
        database, source, options, actor="test", batch_rows=batch_rows, dry_run=dry_run
    )


async def count(database: Database) -> int:
    found: int = await database.pool.fetchval("SELECT count(*) FROM people")
    return found


async def trip(database: Database, sqlstate: str, times: int = 1_000_000) -> None:
    """Let whoever stores somebody named Trip fail in this way, so many times."""
    await database.pool.execute("CREATE SEQUENCE trips")
    await database.pool.execute(
        f"""
        CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('trips') <= {times} THEN
                RAISE EXCEPTION 'made to fail' USING ERRCODE = '{sqlstate}';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    await database.pool.execute(
        """
        CREATE TRIGGER trip BEFORE INSERT ON people FOR EACH ROW
        WHEN (NEW.first_name = 'Trip') EXECUTE FUNCTION trip()
        """
    )


async def test_file_is_read_no_further_than_two_batches_ahead_of_what_is_stored(
    database: Database,
) -> None:
    ahead = []

    async def chunks() -> AsyncIterator[bytes]:
        for number, chunk in enumerate(file_of(20 * BATCH)):
            yield chunk
            ahead.append(number - await count(database))

    outcome = await run(database, chunks())
    assert outcome.created == await count(database) == 20 * BATCH
    assert max(ahead) <= 2 * BATCH


def resident_mib() -> float:
    """Return how much memory this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_file(database: Database) -> None:
    held_mib = []

    async def chunks() -> AsyncIterator[bytes]:
        yield b"email,first_name\n"
        for _ in range(100):
            yield b",Anna\n" * 1000
            held_mib.append(resident_mib())

    outcome = await run(database, chunks(), batch_rows=5000)
    assert outcome.created == 100_000
    # What the first batches need is allocated by the first tenth.
    assert max(held_mib) - held_mib[10] < 24


async def test_long_rows_make_small_batches(database: Database) -> None:
    note = "x" * 60_000
    ahead = []

    async def chunks() -> AsyncIterator[bytes]:
        yield b"email,custom.note\n"
        for number in range(1, 401):
            yield f",{note}{number}\n".encode()
            ahead.append(number - await count(database))

    outcome = await run(database, chunks(), batch_rows=5000)
    assert outcome.created == 400
    assert max(ahead) < 300


async def test_outcome_is_the_same_in_one_piece_and_in_many(database: Database) -> None:
    expected, content = figures(300), b"".join(csv_chunks(300))
    whole = await run(database, [content])
    assert (whole.created, whole.rejected) == (expected.created, expected.rejected)
    again = await run(database, [content[at : at + 97] for at in range(0, len(content), 97)])
    assert (again.unchanged, again.rejected) == (expected.created, expected.rejected)
    assert again.errors == whole.errors


async def test_rejected_rows_are_named_in_the_order_of_lines(database: Database) -> None:
    content = b"id,email\n999,a@example.com\n,bad\n998,b@example.com\n,c@example.com\n"
    outcome = await run(database, [content], replace(CSV, columns=targets_of({"id": "id"})))
    assert [fault.line for fault in outcome.errors] == [2, 3, 4]
    assert outcome.created == 1


async def test_import_goes_on_after_idle_connections_were_lost(database: Database) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for number, chunk in enumerate(file_of(3 * BATCH)):
            if number == BATCH + 1:
                while await count(database) < BATCH:
                    pass
                await terminate_others(database)
            yield chunk

    assert (await run(database, chunks())).created == 3 * BATCH


async def terminate_others(database: Database) -> None:
    """End every connection to this database but the one that says so."""
    apart = await asyncpg.connect(**asyncpg_arguments(database.url))
    await apart.execute(
        """
        SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
    )
    await apart.close()


async def test_connection_that_dies_in_a_batch_leaves_the_batches_before_it(
    database: Database,
) -> None:
    locker = await asyncpg.connect(**asyncpg_arguments(database.url))
    watcher = await asyncpg.connect(**asyncpg_arguments(database.url))

    async def chunks() -> AsyncIterator[bytes]:
        for number, chunk in enumerate(file_of(4 * BATCH)):
            if number == BATCH + 1:
                while await count(database) < BATCH:
                    pass
                await locker.execute("BEGIN; LOCK TABLE people IN SHARE MODE")
            yield chunk

    async def kill_who_waits() -> None:
        killed = """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE wait_event_type = 'Lock' AND datname = current_database()
        """
        while not await watcher.fetchval(killed):
            pass

    killer = asyncio.create_task(kill_who_waits())
    with pytest.raises(ImportInterrupted) as caught:
        await run(database, chunks())
    await killer
    await locker.close()
    await watcher.close()
    assert await count(database) == BATCH
    assert caught.value.status == 503
    assert caught.value.headers == {"Retry-After": "5"}
    assert caught.value.extensions["stored"] == {
        "created": BATCH,
        "updated": 0,
        "unchanged": 0,
        "restored": 0,
        "opt_outs_kept": 0,
        "rejected": 0,
        "through_line": BATCH + 1,
    }
    assert caught.value.detail == (
        "The database stopped answering. What is above line 12 is stored (10 created, 0 updated, "
        "0 unchanged, 0 rejected): send the file again with from_line=12 for the rest."
    )
    assert (await run(database, file_of(4 * BATCH), replace(CSV, from_line=12))).created == 30
    assert await count(database) == 4 * BATCH


@pytest.mark.parametrize(
    "sqlstate",
    [
        pytest.param("57P01", id="shut down"),
        pytest.param("53100", id="disk full"),
        pytest.param("08006", id="connection failure"),
    ],
)
async def test_database_that_fails_in_the_first_batch_leaves_nothing(
    database: Database, sqlstate: str
) -> None:
    await trip(database, sqlstate)
    with pytest.raises(ImportInterrupted, match=r"Nothing was stored\.$"):
        await run(database, file_of(3 * BATCH, trip_at=2))
    assert await count(database) == 0
    assert await database.pool.fetchval("SELECT count(*) FROM audit_log") == 0


async def test_database_that_is_gone_for_good_ends_the_import(database: Database) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for number, chunk in enumerate(file_of(3 * BATCH)):
            if number == BATCH + 1:
                while await count(database) < BATCH:
                    pass
                await database.close()
            yield chunk

    with pytest.raises(ImportInterrupted, match="What is above line 12 is stored"):
        await run(database, chunks())


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
async def test_batch_that_lost_to_another_transaction_is_tried_again(
    database: Database, sqlstate: str
) -> None:
    await trip(database, sqlstate, times=2)
    outcome = await run(database, file_of(3 * BATCH, trip_at=15))
    assert outcome.created == await count(database) == 3 * BATCH


async def test_batch_that_always_loses_is_a_conflict_that_says_what_stands(
    database: Database,
) -> None:
    await trip(database, "40P01")
    with pytest.raises(Conflict, match="What is above line 12 is stored") as caught:
        await run(database, file_of(3 * BATCH, trip_at=15))
    assert caught.value.extensions["stored"]
    assert await count(database) == BATCH


@pytest.mark.parametrize(
    "error, raised",
    [
        pytest.param(Unreadable.of("Cut short."), Unreadable, id="hung up"),
        pytest.param(TooLarge("Over the limit."), TooLarge, id="too large"),
        pytest.param(RuntimeError("whatever"), RuntimeError, id="anything"),
    ],
)
async def test_source_that_fails_leaves_whole_batches(
    database: Database, error: Exception, raised: type[Exception]
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in file_of(2 * BATCH + 5):
            yield chunk
        raise error

    with pytest.raises(raised) as caught:
        await run(database, chunks())
    assert await count(database) == 2 * BATCH
    if raised is not RuntimeError:
        assert "What is above line 22 is stored (20 created" in str(caught.value)
    entry = await database.pool.fetchval("SELECT detail FROM audit_log")
    assert (entry["created"], entry["complete"]) == (2 * BATCH, False)


async def test_import_that_is_cancelled_leaves_whole_batches(database: Database) -> None:
    waiting = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        for chunk in file_of(2 * BATCH + 5):
            yield chunk
        waiting.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(run(database, chunks()))
    await waiting.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await count(database) == 2 * BATCH


async def test_bytes_of_another_charset_midway_leave_whole_batches(database: Database) -> None:
    content = [*file_of(2 * BATCH + 5), "Zoë\n".encode("latin-1")]
    with pytest.raises(Unreadable, match=r"^Line 27 is not UTF-8 .* What is above line 22 is sto"):
        await run(database, content)
    assert await count(database) == 2 * BATCH


async def test_dry_run_of_many_batches_stores_nothing(database: Database) -> None:
    outcome = await run(database, file_of(3 * BATCH + 1), dry_run=True)
    assert outcome.created == 3 * BATCH + 1
    assert await count(database) == 0
    with pytest.raises(Unreadable, match="Nothing was stored, since this was a dry run") as caught:
        await run(database, [*file_of(2 * BATCH), b"\xff\n"], dry_run=True)
    assert caught.value.extensions["stored"] == ImportOutcome().counts()


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
async def test_file_on_this_machine_is_read_by_its_suffix(
    database: Database, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"people.{suffix}"
    (write_csv if suffix == "csv" else write_ndjson)(path, 100)
    options = replace(CSV, format=format_of(path), columns=targets_of({"job_title": "custom.job"}))
    outcome = await import_file(database, path, options=options)
    assert (outcome.created, outcome.rejected) == (98, 2)
    jobs = "SELECT count(*) FROM people WHERE custom ? 'job' AND job_title IS NULL"
    assert await database.pool.fetchval(jobs) > 50
    actor = await database.pool.fetchval("SELECT actor FROM audit_log")
    assert actor == "command line"


async def test_file_that_is_not_there_is_an_os_error(database: Database, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await import_file(database, tmp_path / "nowhere.csv", options=CSV)
