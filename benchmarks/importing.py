"""A file of people through POST /v1/people/import, beside COPY of the same file."""

import asyncio
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
import orjson

from app.db import asyncpg_arguments
from benchmarks.ground import Ground
from benchmarks.people_rows import CSV_COLUMNS, write_csv
from benchmarks.places import Service, drop_database, service
from benchmarks.processes import MeasuringError, cpu_seconds, difference, peak_mib
from benchmarks.report import Cpu, Figure, Target
from benchmarks.sending import MOST_MIB

_CHUNK = 256 * 1024
_MOST_S = 1800.0


async def import_people(ground: Ground) -> list[Figure]:
    """Send a file as a caller would, and COPY it as nobody can."""
    file = ground.folder / "people.csv"
    write_csv(file, ground.people)
    copied = await _copy(ground, file)
    url = await ground.empty("import")
    ground.say(f"importing {ground.people:,} people")
    async with service(url, ground.folder) as ours:
        cpu_before = cpu_seconds(ours.process.pid)
        began = perf_counter()
        async with asyncio.timeout(_MOST_S):
            told = await _post(ours, file)
        took_s = perf_counter() - began
        cpu_s = difference(cpu_seconds(ours.process.pid), cpu_before)
        memory = peak_mib(ours.process.pid)
    await drop_database(ground.server_url, "import")
    file.unlink()
    if told.get("created") != ground.people:
        raise MeasuringError(f"the import was answered so: {told}")
    return [
        Figure(
            f"POST /v1/people/import, {ground.people:,} rows",
            "rows/s",
            ground.people / took_s,
            copied,
            cpu=Cpu(cpu_s),
            note="limit: COPY of the same file into people, with its indexes and triggers",
        ),
        Figure("memory of the service after it", "MiB", memory, target=Target(MOST_MIB)),
    ]


async def _copy(ground: Ground, file: Path) -> float:
    """Return the rows a second."""
    connection = await asyncpg.connect(**asyncpg_arguments(await ground.empty("copy")))
    ground.say(f"copying {ground.people:,} people")
    began = perf_counter()
    await connection.copy_to_table(
        "people", source=file, columns=CSV_COLUMNS, format="csv", header=True, timeout=_MOST_S
    )
    took_s = perf_counter() - began
    await connection.close()
    await drop_database(ground.server_url, "copy")
    return ground.people / took_s


async def _post(ours: Service, file: Path) -> Any:  # noqa: ANN401 - JSON
    """Stream the file; return the answer."""
    size = (await asyncio.to_thread(file.stat)).st_size
    reader, writer = await asyncio.open_connection("127.0.0.1", ours.port)
    writer.write(
        (
            "POST /v1/people/import HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
            f"Authorization: Bearer {ours.key}\r\nContent-Type: text/csv\r\n"
            f"Content-Length: {size}\r\n\r\n"
        ).encode()
    )
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    answer = await reader.read()
    writer.close()
    return orjson.loads(answer.partition(b"\r\n\r\n")[2])
