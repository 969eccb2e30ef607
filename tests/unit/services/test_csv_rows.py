import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.csv_rows import MAX_COLUMNS, CsvRows, likely_delimiter
from app.services.import_rows import MAX_ROW, RowFault, TextRow, Unreadable

Seen = list[tuple[int, list[str] | str]]


def read(text: str, piece: int | None = None, delimiter: str | None = None) -> Seen:
    """Read the text in pieces of this many characters; return lines with cells or details."""
    rows = CsvRows(delimiter)
    size = piece or max(len(text), 1)
    found = []
    for start in range(0, len(text), size):
        found += rows.feed(text[start : start + size])
    found += rows.feed("", final=True)
    return [
        (
            row.line,
            row.cells if isinstance(row, TextRow) else row.detail.split(":")[0].split(".")[0],
        )
        for row in found
    ]


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("a,b\n1,2\n", [(2, ["1", "2"])], id="plain"),
        pytest.param("a,b\n1,2", [(2, ["1", "2"])], id="no newline at the end"),
        pytest.param("a,b\r\n1,2\r\n3,4\r\n", [(2, ["1", "2"]), (3, ["3", "4"])], id="crlf"),
        pytest.param("a,b\r1,2\r3,4\r", [(2, ["1", "2"]), (3, ["3", "4"])], id="cr"),
        pytest.param(
            "a,b\r\n1,2\n3,4\r5,6",
            [(2, ["1", "2"]), (3, ["3", "4"]), (4, ["5", "6"])],
            id="every line end in one file",
        ),
        pytest.param(
            "\n\na,b\n\n1,2\n,\n \n3,4\n",
            [(5, ["1", "2"]), (8, ["3", "4"])],
            id="blank lines are counted and passed over",
        ),
        pytest.param(
            'a,b\n"1\n2","3""4"\n5,6\n',
            [(2, ["1\n2", '3"4']), (4, ["5", "6"])],
            id="newlines in quotes are counted",
        ),
        pytest.param(
            'a,b\n"1\r\n\r\n2",3\n5,6\n',
            [(2, ["1\r\n\r\n2", "3"]), (5, ["5", "6"])],
            id="crlf in quotes are counted",
        ),
        pytest.param("a;b\n1;2,5\n", [(2, ["1", "2,5"])], id="semicolon"),
        pytest.param("a\tb\n1\t2\n", [(2, ["1", "2"])], id="tab"),
        pytest.param("a|b\n1|2\n", [(2, ["1", "2"])], id="pipe"),
        pytest.param("email\na@x.example\n", [(2, ["a@x.example"])], id="one column"),
        pytest.param('a,b\n5" pipe,x\n', [(2, ['5" pipe', "x"])], id="a quote inside a bare cell"),
        pytest.param("a,b\n1\x00,2\n", [(2, ["1\x00", "2"])], id="nul"),
        pytest.param(
            "a,b\n1\u2028\x0b\x85,2\n3,4",
            [(2, ["1\u2028\x0b\x85", "2"]), (3, ["3", "4"])],
            id="what else splits lines in Python",
        ),
        pytest.param(
            "a,b\n1\n1,2,3\n3,4\n",
            [
                (2, "Has 1 cell where the header has 2"),
                (3, "Has 3 cells where the header has 2"),
                (4, ["3", "4"]),
            ],
            id="ragged",
        ),
        pytest.param(
            'a,b\n1,2\n"3,4\n5,6\n7,8\n',
            [
                (2, ["1", "2"]),
                (3, "Opens a quote that never closes"),
                (4, ["5", "6"]),
                (5, ["7", "8"]),
            ],
            id="a quote that never closes costs its row",
        ),
        pytest.param("a,b\n", [], id="header alone"),
        pytest.param("", [], id="nothing"),
    ],
)
@pytest.mark.parametrize("piece", [None, 1, 2, 3, 7])
def test_rows_are_read_the_same_however_they_are_cut(
    text: str, expected: Seen, piece: int | None
) -> None:
    assert read(text, piece) == expected


cells = st.text(st.sampled_from("ab\",;\n\r '\t|é😀"), max_size=8)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), max_size=12), st.integers(1, 40))
def test_whatever_csv_writes_is_read_back(table: list[list[str]], piece: int) -> None:
    written = io.StringIO(newline="")
    csv.writer(written).writerows([["a", "b", "c"], *table])
    expected = [row for row in table if "".join(row).strip()]
    assert [row for _, row in read(written.getvalue(), piece, ",")] == expected


@given(st.text(st.sampled_from('ab",\n\r'), max_size=60), st.integers(1, 9))
def test_any_text_is_read_the_same_however_it_is_cut(text: str, piece: int) -> None:
    def outcome(size: int | None) -> Seen | str:
        try:
            return read("x,y\n" + text, size)
        except Unreadable as error:
            return error.detail

    assert outcome(piece) == outcome(None)


@pytest.mark.parametrize(
    "header, expected",
    [
        pytest.param("a,b;c,d", ",", id="the one that stands most often"),
        pytest.param('"a;b;c",d', ",", id="not inside quotes"),
        pytest.param("a b", ",", id="none"),
        pytest.param("a;b,c", ",", id="a tie is a comma's"),
    ],
)
def test_delimiter_is_told_from_the_header(header: str, expected: str) -> None:
    assert likely_delimiter(header) == expected


def test_quote_that_never_closes_is_given_up_without_holding_the_rest() -> None:
    rows = CsvRows(",")
    rows.feed('a,b\n1,2\n"open,\n')
    found: list[TextRow | RowFault] = []
    most_held = 0
    line = "x" * 98 + ",\n"
    for _ in range(40):
        found += rows.feed(line * 1000)
        most_held = max(most_held, len(rows._held))
    assert found[0] == RowFault(
        3, f"Opens a quote that doesn't close within {MAX_ROW} characters: close it, or double it."
    )
    assert len(found) == 40_001
    assert most_held <= MAX_ROW + len(line) * 1000
    assert len(rows._held) < len(line)


def test_long_quoted_cell_is_kept_though_more_than_the_limit_is_held_when_it_closes() -> None:
    rows = CsvRows(",")
    cell = ("x" * 98 + "\n") * 9300
    text = f'a,b\n1,"{cell}"\n' + "2,y\n" * 150_000
    found: list[TextRow | RowFault] = []
    for start in range(0, len(text), 50_000):
        found += rows.feed(text[start : start + 50_000])
    assert len(found) == 150_001
    assert found[0] == TextRow(2, ["1", cell], len(cell) + 5)


def test_line_without_an_end_is_passed_over_without_holding_it() -> None:
    rows = CsvRows(",")
    found = rows.feed("a,b\n1,2\n")
    for _ in range(30):
        found += rows.feed("x" * 100_000)
        assert len(rows._held) <= MAX_ROW + 100_000
    found += rows.feed("\r\n3,4\n", final=True)
    assert [row.line for row in found] == [2, 3, 4]
    assert found[1] == RowFault(3, f"The row is over {MAX_ROW} characters long.")


def test_row_over_the_limit_is_refused_even_if_it_comes_whole() -> None:
    rows = CsvRows(",")
    found = rows.feed(f'a,b\n1,"{"x" * MAX_ROW}"\n3,4\n', final=True)
    assert found == [
        RowFault(2, f"The row is over {MAX_ROW} characters long."),
        TextRow(3, ["3", "4"], 4),
    ]


def test_file_of_nothing_but_open_quotes_is_refused() -> None:
    rows = CsvRows(",")
    with pytest.raises(Unreadable, match="as 20 before it did"):
        rows.feed("a,b\n" + 'a"b,"c\n' * 100, final=True)


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param(",".join(["x"] * (MAX_COLUMNS + 1)) + "\n", "1001 columns", id="too wide"),
        pytest.param("x" * (MAX_ROW + 1), "Line 1 is over", id="endless"),
        pytest.param('a,"b\n1,2\n', "Line 1 opens a quote that never closes", id="open quote"),
    ],
)
def test_header_that_is_none_is_refused(text: str, expected: str) -> None:
    with pytest.raises(Unreadable, match=expected):
        read(text)
