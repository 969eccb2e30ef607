"""What every import format has in common: a row with its line, and a row that can't be read."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from app.errors import FieldError, Invalid

#: A row may be this long (characters of CSV, bytes of NDJSON); a longer one is refused unread.
MAX_ROW: Final = 1024 * 1024


class TextRow(NamedTuple):
    """A row of CSV."""

    #: Physical line that the row begins on, from 1.
    line: int
    cells: list[str]
    #: Characters that it took.
    size: int


class ObjectRow(NamedTuple):
    """A row of NDJSON."""

    line: int
    members: dict[str, Any]
    #: Bytes that it took.
    size: int


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that is not imported, and why."""

    line: int
    detail: str


class Unreadable(Invalid):
    """The body can't be read as what its content type says, from some line on."""

    slug, title = "unreadable-import", "The file can't be read"

    @classmethod
    def of(cls, detail: str) -> "Unreadable":
        """Make one that points at the body."""
        return cls(detail, errors=[FieldError("/body", detail)])
