"""CSV as it comes in, piece by piece: rows with the line they begin on, and rows that are none.

Python's own csv module reads; this feeds it whole rows only, so that a row may end in any piece. A
quote that never closes costs its own row, not the rest of the file.
"""

import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from app.services.import_rows import MAX_ROW, RowFault, TextRow, Unreadable

MAX_COLUMNS: Final = 1000
#: In the order that a tie is decided in.
DELIMITERS: Final = (",", ";", "\t", "|")
#: How a caller may write one.
DELIMITER_NAMES: Final = {
    **{mark: mark for mark in DELIMITERS},
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    r"\t": "\t",
    "pipe": "|",
}

#: Each costs reading again what is held, so a file of nothing else is refused.
_MOST_UNCLOSED: Final = 20

_QUOTED: Final = re.compile(r'"[^"]*"')
_SEPARATOR_LINE: Final = re.compile(r"sep=[,;\t|]?", re.IGNORECASE)
_LINE_END: Final = re.compile(r"\r\n|\n|\r(?=.)", re.DOTALL)

# The limit is the process's; ours for a whole row is met first.
csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_ROW))


def delimiter_named(given: str) -> str:
    """Return the delimiter that this names, or is; raises ValueError."""
    try:
        return DELIMITER_NAMES[given.lower()]
    except KeyError:
        raise ValueError(f"{given!r} is none: write comma, semicolon, tab or pipe.") from None


def likely_delimiter(header_line: str) -> str:
    """Return which of `DELIMITERS` stands most often outside quotes, the comma where none does."""
    bare = _QUOTED.sub("", header_line)
    return max(DELIMITERS, key=bare.count)


class _Lines:
    """Lines of a text with their ends, and how much of it the reader has taken."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.taken = 0
        #: Whether the reader asked for a line more than there is.
        self.ran_out = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.taken += len(line)
            yield line
        self.ran_out = True


class CsvRows:
    """Reads rows from text that is fed to it; the first one is kept as the header."""

    def __init__(self, delimiter: str | None = None) -> None:
        """Take the delimiter, or None to go by the first line."""
        self._delimiter = delimiter
        self._held = ""
        #: Lines before what is held.
        self._line = 0
        #: What is held was found to end inside quotes: reading again is worth it from here on.
        self._worth_reading = 0
        #: Inside a line that is too long, which is passed over to its end.
        self._skipping = False
        self._unclosed_quotes = 0
        self.header: list[str] | None = None

    def feed(self, text: str, *, final: bool = False) -> list[TextRow | RowFault]:
        """Return the rows that this text completes; blank ones are passed over.

        ``final`` says that no more comes. Raises Unreadable where the header can't be one.
        """
        self._held += text
        rows: list[TextRow | RowFault] = []
        if self._skipping and not self._skipped():
            return rows
        self._read_on(rows, final=final)
        while len(self._held) > MAX_ROW and not self._skipping and not final:
            self._give_up(rows)
            self._read_on(rows, final=False)
        return rows

    def _read_on(self, rows: list[TextRow | RowFault], *, final: bool) -> None:
        end = len(self._held) if final else _last_line_end(self._held)
        if end and (final or len(self._held) >= self._worth_reading):
            self._read(end, rows, final=final)

    def _read(self, end: int, rows: list[TextRow | RowFault], *, final: bool) -> None:
        """Read what is held up to here; a row that doesn't end in it stays held."""
        while end:
            if self._delimiter is None:
                self._delimiter = likely_delimiter(_first_line(self._held[:end]))
            lines = _Lines(self._held[:end])
            reader = csv.reader(lines, delimiter=self._delimiter)
            began, began_on = 0, 0
            while True:
                try:
                    cells = next(reader)
                except StopIteration:
                    break
                except csv.Error as error:
                    rows.append(RowFault(self._line + began_on + 1, f"Not CSV: {error}."))
                else:
                    if lines.ran_out:
                        break
                    self._take(rows, cells, began_on, reader.line_num, lines.taken - began)
                began, began_on = lines.taken, reader.line_num
            self._drop(began, began_on)
            end -= began
            if not end or not final:
                break
            # No more comes, so the quote that this row opens never closes.
            rows.append(self._unclosed("never closes"))
            end = len(self._held)
        # Whoever sends a long quoted cell in tiny pieces has it read a few times only.
        self._worth_reading = min(2 * end, MAX_ROW)

    def _take(
        self,
        rows: list[TextRow | RowFault],
        cells: list[str],
        began_on: int,
        ended_on: int,
        size: int,
    ) -> None:
        line = self._line + began_on + 1
        if self.header is None:
            if not _is_blank(cells) and not _is_separator_line(cells):
                self.header = _checked_header(cells)
        elif size > MAX_ROW:
            rows.append(_too_long(line))
        elif len(cells) != len(self.header):
            if not _is_blank(cells):
                rows.append(RowFault(line, self._ragged(len(cells), ended_on - began_on)))
        elif not _is_blank(cells):
            rows.append(TextRow(line, cells, size))

    def _ragged(self, count: int, lines: int) -> str:
        expected = len(self.header or ())
        return (
            f"Has {count} cell{'s' * (count != 1)} where the header has {expected}"
            + (f"; a quoted cell makes it {lines} lines long" if lines > 1 else "")
            + ". Quote a cell that holds the delimiter or a quote."
        )

    def _drop(self, characters: int, lines: int) -> None:
        self._held = self._held[characters:]
        self._line += lines

    def _unclosed(self, how: str) -> RowFault:
        """Pass over the first line held, so that those behind its open quote are read."""
        line = self._line + 1
        if self.header is None:
            raise _no_header(f"Line {line} opens a quote that {how}")
        self._unclosed_quotes += 1
        if self._unclosed_quotes > _MOST_UNCLOSED:
            raise Unreadable.of(
                f"Line {line} opens a quote that {how}, as {_MOST_UNCLOSED} before it did: double "
                "the quotes inside cells."
            )
        first = _LINE_END.search(self._held)
        self._drop(first.end() if first else len(self._held), 1)
        return RowFault(line, f"Opens a quote that {how}: close it, or double it.")

    def _give_up(self, rows: list[TextRow | RowFault]) -> None:
        """Give up on the row that is held, which is over the limit."""
        if self.header is None:
            raise _no_header(f"Line {self._line + 1} is over {MAX_ROW} characters long")
        self._worth_reading = 0
        if _LINE_END.search(self._held):
            rows.append(self._unclosed(f"doesn't close within {MAX_ROW} characters"))
            return
        rows.append(_too_long(self._line + 1))
        self._skipping = True
        self._skipped()

    def _skipped(self) -> bool:
        """Pass over the rest of a line that is too long; say whether its end is reached."""
        first = _LINE_END.search(self._held)
        if first is None:
            self._held = self._held[-1:] if self._held.endswith("\r") else ""
            return False
        self._drop(first.end(), 1)
        self._skipping = False
        return True


def _is_blank(cells: list[str]) -> bool:
    return not "".join(cells).strip()


def _is_separator_line(cells: list[str]) -> bool:
    """Say whether this is Excel's ``sep=;``, by which the delimiter was found already."""
    return len(cells) <= 2 and _SEPARATOR_LINE.fullmatch("".join(cells).strip()) is not None


def _last_line_end(text: str) -> int:
    """Return where the last whole line ends; a CR at the very end may have an LF to come."""
    return max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1


def _first_line(text: str) -> str:
    return next((line for line in io.StringIO(text, newline="") if line.strip()), "")


def _too_long(line: int) -> RowFault:
    return RowFault(line, f"The row is over {MAX_ROW} characters long.")


def _checked_header(cells: list[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise _no_header(f"The first line has {len(cells)} columns; {MAX_COLUMNS} are taken")
    return [cell.strip() for cell in cells]


def _no_header(why: str) -> Unreadable:
    return Unreadable.of(f"{why}. A file begins with a line that names its columns.")
