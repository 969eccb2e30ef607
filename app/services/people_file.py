"""A file of people, read piece by piece: a row is a person's clean values, or what is wrong.

Pure: no database here. CSV has a header that says what the columns are; NDJSON says so in each row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, Protocol

from app.errors import Invalid
from app.services.column_map import (
    CellError,
    Columns,
    Members,
    Target,
    plan_columns,
)
from app.services.csv_rows import CsvRows
from app.services.decoding import Decoder
from app.services.field_hints import looks_like_cells
from app.services.file_starts import FileStart
from app.services.import_rows import ObjectRow, RowFault, TextRow, Unreadable
from app.services.ndjson_rows import NdjsonRows
from app.services.person_values import PersonFaults, clean_person

#: What a client does to a body that it takes for a form's.
_ONE_LINE: Final = (
    "The body is a single line. If the file has more, its line ends were lost on the way, as "
    "curl's -d loses them: send it with --data-binary @people.csv."
)

FileFormat = Literal["csv", "ndjson"]

#: A piece is read at a time, so that whatever else the process does gets its turn.
PIECE_BYTES: Final = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """How a file is to be read."""

    format: FileFormat
    #: ISO 3166, two letters: where numbers without a country code are dialled.
    phone_region: str
    #: From header (or member) to field; see `column_map.read_columns`.
    columns: Mapping[str, Target | None] = field(default_factory=dict)
    #: One of `decoding.CHARSETS`; NDJSON is UTF-8.
    charset: str = "utf-8"
    #: None goes by the header's line.
    delimiter: str | None = None
    #: Whether a blank cell of CSV leaves the field as it stands, rather than clearing it.
    keeps_blank: bool = False
    #: Rows that begin on lines before this one are passed over.
    from_line: int = 1


class PersonRead(NamedTuple):
    """A row that can be stored."""

    line: int
    values: dict[str, Any]
    #: What the row took of the file, in characters or bytes.
    size: int


class PeopleFile(Protocol):
    """Reads people from bytes that are fed to it."""

    @property
    def ignored_columns(self) -> Sequence[str]:
        """Headers that are no person field and that the caller's map doesn't name."""
        ...

    @property
    def likely_fields(self) -> Mapping[str, str]:
        """Which field an ignored column looks like."""
        ...

    def feed(self, chunk: bytes) -> Iterator[PersonRead | RowFault]:
        """Yield the rows that these bytes complete, by line.

        Raises Unreadable where the file can't be read on, and Invalid where the columns don't fit.
        """
        ...

    def finish(self) -> Iterator[PersonRead | RowFault]:
        """Yield what is left, since no more bytes come. Raises the same."""
        ...


def people_file(options: FileOptions) -> PeopleFile:
    """Return what reads a file of this format."""
    return _CsvFile(options) if options.format == "csv" else _NdjsonFile(options)


class _CsvFile:
    def __init__(self, options: FileOptions) -> None:
        self._options = options
        self._start = FileStart()
        self._decoder = Decoder(options.charset)
        self._rows = CsvRows(options.delimiter)
        self._columns: Columns | None = None

    @property
    def ignored_columns(self) -> Sequence[str]:
        return self._columns.ignored if self._columns else ()

    @property
    def likely_fields(self) -> Mapping[str, str]:
        return self._columns.likely if self._columns else {}

    def feed(self, chunk: bytes) -> Iterator[PersonRead | RowFault]:
        return self._people(self._rows.feed(self._decoder.feed(self._start.passed(chunk))))

    def finish(self) -> Iterator[PersonRead | RowFault]:
        was_begun = self._rows.header is not None
        held = self._start.passed(b"", final=True)
        rest = self._rows.feed(self._decoder.feed(held, final=True), final=True)
        if not was_begun and not rest and self._rows.header is not None:
            self._columns = self._columns_of_one_line(self._rows.header)
        yield from self._people(rest)
        if self._rows.header is None:
            raise Unreadable.of(
                "The body is empty. A file begins with a line that names its columns."
            )

    def _people(self, rows: Sequence[TextRow | RowFault]) -> Iterator[PersonRead | RowFault]:
        if self._columns is None:
            if self._rows.header is None:
                return
            self._columns = self._planned(self._rows.header)
        for row in rows:
            if row.line < self._options.from_line:
                continue
            yield row if isinstance(row, RowFault) else self._person(self._columns, row)

    def _planned(self, header: Sequence[str]) -> Columns:
        return plan_columns(header, self._options.columns, keeps_blank=self._options.keeps_blank)

    def _columns_of_one_line(self, header: Sequence[str]) -> Columns:
        """Return the columns of a body without any line end: of no rows, or of lost ones."""
        try:
            columns = self._planned(header)
        except Invalid as error:
            raise Unreadable.of(f"{error.detail} {_ONE_LINE}") from error
        if any(looks_like_cells(each) for each in columns.ignored):
            raise Unreadable.of(_ONE_LINE)
        return columns

    def _person(self, columns: Columns, row: TextRow) -> PersonRead | RowFault:
        try:
            raw = columns.person(row.cells)
        except CellError as error:
            return _faulty(row, error, self._options.phone_region)
        return _cleaned(row, raw, self._options.phone_region)


class _NdjsonFile:
    ignored_columns: Sequence[str] = ()
    likely_fields: Mapping[str, str] = MappingProxyType({})

    def __init__(self, options: FileOptions) -> None:
        self._options = options
        self._start = FileStart()
        self._rows = NdjsonRows()
        self._members = Members(options.columns)
        self._any = False

    def feed(self, chunk: bytes) -> Iterator[PersonRead | RowFault]:
        return self._people(self._rows.feed(self._start.passed(chunk)))

    def finish(self) -> Iterator[PersonRead | RowFault]:
        held = self._start.passed(b"", final=True)
        yield from self._people(self._rows.feed(held, final=True))
        if not self._any:
            raise Unreadable.of("The body is empty. Send a JSON object a line.")

    def _people(self, rows: Sequence[ObjectRow | RowFault]) -> Iterator[PersonRead | RowFault]:
        self._any = self._any or bool(rows)
        for row in rows:
            if row.line < self._options.from_line:
                continue
            yield row if isinstance(row, RowFault) else self._person(row)

    def _person(self, row: ObjectRow) -> PersonRead | RowFault:
        try:
            raw = self._members.person(row.members)
        except CellError as error:
            return _faulty(row, error, self._options.phone_region)
        return _cleaned(row, raw, self._options.phone_region)


def _faulty(row: TextRow | ObjectRow, error: CellError, phone_region: str) -> RowFault:
    """Return all that is wrong with a row, what its other cells hold among it."""
    told = str(error)
    try:
        clean_person(error.rest, phone_region)
    except PersonFaults as others:
        told = f"{told}; {others}"
    return RowFault(row.line, told)


def _cleaned(
    row: TextRow | ObjectRow, raw: Mapping[str, Any], phone_region: str
) -> PersonRead | RowFault:
    try:
        values = clean_person(raw, phone_region)
    except PersonFaults as error:
        return RowFault(row.line, str(error))
    if all(value is None for value in values.values()):
        return RowFault(row.line, "Gives no field of a person a value.")
    return PersonRead(row.line, values, row.size)
