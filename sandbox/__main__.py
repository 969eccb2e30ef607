"""``python -m sandbox``: a stand-in Dotdigital on this machine, until it is interrupted."""

import argparse
import asyncio
import contextlib
import gc
import signal
import sys

import uvloop

from sandbox.server import serve

DEFAULT_PORT = 9000


def run(port: int = DEFAULT_PORT) -> None:
    """Serve a sandbox on three ports from this one on, until SIGINT or SIGTERM."""
    # Millions of contacts that never go: looking through them for garbage is time for nothing.
    gc.set_threshold(200_000, 50, 1000)
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        uvloop.run(_until_told(port))


async def _until_told(port: int) -> None:
    serving = asyncio.ensure_future(serve(port))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    await serving


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of r1; r2 and r3 follow")
    port = parser.parse_args().port
    try:
        run(port)
    except OSError as taken:
        sys.exit(
            f"can't listen on ports {port} to {port + 2}: {taken.strerror}. Name three others that "
            "are free by the first of them with --port, or any with --port 0; and tell dotsync in "
            "DOTSYNC_DISCOVERY_URL."
        )


if __name__ == "__main__":
    main()
