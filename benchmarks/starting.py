"""How long the service takes from the start of its process until it is ready."""

import secrets
import statistics
from time import perf_counter

from benchmarks.ground import Ground
from benchmarks.places import drop_database, service_settings
from benchmarks.processes import cpu_seconds, free_port, peak_mib, running, until_ready
from benchmarks.report import Cpu, Figure, Target

_TIMES = 5


async def start(ground: Ground) -> list[Figure]:
    """Start the service on a database whose schema is at head, a few times."""
    url = await ground.empty("start")
    took_s, cpu_s, memory = [], [], []
    for _ in range(_TIMES):
        ground.say("starting the service")
        port = free_port()
        settings = {
            **service_settings(url, ground.folder),
            "PORT": str(port),
            "BOOTSTRAP_API_KEY": secrets.token_urlsafe(24),
        }
        began = perf_counter()
        async with running("-m", "app", "serve", settings=settings) as process:
            await until_ready(process, port)
            took_s.append(perf_counter() - began)
            cpu_s.append(cpu_seconds(process.pid))
            memory.append(peak_mib(process.pid))
    await drop_database(ground.server_url, "start")
    return [
        Figure(
            "start to ready, schema at head",
            "s",
            statistics.median(took_s),
            target=Target(2),
            cpu=Cpu(cpu_s[-1]),
            note=f"process start until /readyz is 200; median of {_TIMES}; "
            f"{memory[-1] or 0:.0f} MiB by then",
        )
    ]
