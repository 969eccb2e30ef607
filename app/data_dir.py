"""The data directory: whether it can be used, asked before anything is started in it."""

import os
import stat
from pathlib import Path
from typing import Final

from app.start_errors import StartError

#: PostgreSQL starts in a folder of 0700 or 0750 alone.
_TOO_OPEN: Final = 0o027


def pgdata_in(data_dir: Path) -> Path:
    """Return where the embedded PostgreSQL of this data directory keeps what it has."""
    return (data_dir / "postgres").resolve()


def check_data_dir(data_dir: Path) -> None:
    """Make the directory where there is none; raises StartError where it can't be used."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        # To ask for permission would say nothing to root, nor of a disk that is full.
        probe = data_dir / f".writable.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"DOTSYNC_DATA_DIR: {data_dir.absolute()} can't be written to: {error.strerror}. Write "
            "a folder that this user may make or write to."
        ) from error


def check_pgdata(data_dir: Path) -> None:
    """Raise StartError where PostgreSQL would not start on what stands there, for its mode."""
    pgdata = pgdata_in(data_dir)
    try:
        mode = stat.S_IMODE(pgdata.stat().st_mode)
        is_made = (pgdata / "PG_VERSION").exists()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StartError(
            f"DOTSYNC_DATA_DIR: {pgdata} can't be read: {error.strerror}. It was made by another "
            "user: give it to this one with chown, or write another folder."
        ) from error
    if is_made and mode & _TOO_OPEN:
        raise StartError(
            f"DOTSYNC_DATA_DIR: {pgdata} has the mode {mode:04o}, and PostgreSQL doesn't start "
            f"where others could read or change what is in it. Run: chmod 0700 {pgdata}"
        )
