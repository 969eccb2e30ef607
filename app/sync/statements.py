"""The jobs' SQL, kept as SQL: named statements out of `sync/sql/*.sql`."""

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def statements(file: str) -> dict[str, str]:
    """Return the statements of ``sql/<file>.sql`` by name.

    Each begins with ``-- name: <name>``; the comment lines after that say what it is for.
    """
    parts = _NAME.split((_FOLDER / f"{file}.sql").read_text())
    return dict(zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True))
