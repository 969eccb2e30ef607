"""NDJSON as it comes in, piece by piece: an object a line, and lines that are none."""

from codecs import BOM_UTF8
from typing import Any

import orjson

from app.services.import_rows import MAX_ROW, ObjectRow, RowFault


class NdjsonRows:
    """Reads rows from bytes that are fed to it."""

    def __init__(self) -> None:
        """Begin at line 1."""
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._line = 0
        #: Inside a line that is too long, which is passed over to its end.
        self._skipping = False

    def feed(self, chunk: bytes, *, final: bool = False) -> list[ObjectRow | RowFault]:
        """Return the rows that these bytes complete; blank lines are passed over.

        ``final`` says that no more comes.
        """
        rows: list[ObjectRow | RowFault] = []
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            self._end_line(line, rows)
        self._hold(rest, rows)
        if final and (self._held_bytes or self._skipping):
            self._end_line(b"", rows)
        return rows

    def _end_line(self, end: bytes, rows: list[ObjectRow | RowFault]) -> None:
        line = b"".join([*self._held, end]) if self._held else end
        self._held, self._held_bytes = [], 0
        self._line += 1
        if self._skipping:
            self._skipping = False
            return
        if self._line == 1:
            line = line.removeprefix(BOM_UTF8)
        if len(line) > MAX_ROW:
            rows.append(_too_long(self._line))
        elif line and not line.isspace():
            rows.append(_row(self._line, line))

    def _hold(self, rest: bytes, rows: list[ObjectRow | RowFault]) -> None:
        if not rest or self._skipping:
            return
        self._held.append(rest)
        self._held_bytes += len(rest)
        if self._held_bytes > MAX_ROW:
            rows.append(_too_long(self._line + 1))
            self._held, self._held_bytes = [], 0
            self._skipping = True


def _row(number: int, line: bytes) -> ObjectRow | RowFault:
    try:
        members: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        told = f"Not well-formed JSON at character {error.pos + 1}: {error.msg}."
        if "content after" in error.msg:
            told += (
                " One object stands on a line; curl's -d loses line ends, so send a file with "
                "--data-binary."
            )
        return RowFault(number, told)
    if not isinstance(members, dict):
        return RowFault(number, "A line is a JSON object, from person field to value.")
    return ObjectRow(number, members, len(line))


def _too_long(line: int) -> RowFault:
    return RowFault(line, f"The row is over {MAX_ROW} bytes long.")
