import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.import_rows import MAX_ROW, ObjectRow, RowFault
from app.services.ndjson_rows import NdjsonRows

Seen = list[tuple[int, object]]


def read(body: bytes, piece: int | None = None) -> Seen:
    """Read the bytes in pieces of this many; return lines with members or details."""
    rows = NdjsonRows()
    size = piece or max(len(body), 1)
    found = []
    for start in range(0, len(body), size):
        found += rows.feed(body[start : start + size])
    found += rows.feed(b"", final=True)
    return [
        (row.line, row.members if isinstance(row, ObjectRow) else row.detail.split(" at ")[0])
        for row in found
    ]


@pytest.mark.parametrize("piece", [None, 1, 2, 5])
@pytest.mark.parametrize(
    "body, expected",
    [
        pytest.param(b'{"a":1}\n{"a":2}\n', [(1, {"a": 1}), (2, {"a": 2})], id="plain"),
        pytest.param(b'{"a":1}\r\n\r\n{"a":2}', [(1, {"a": 1}), (3, {"a": 2})], id="crlf"),
        pytest.param(b'\xef\xbb\xbf{"a":1}\n', [(1, {"a": 1})], id="byte order mark"),
        pytest.param(b'{"a":1}\n{"a":\n{"a":2}\n',
                     [(1, {"a": 1}), (2, "Not well-formed JSON"), (3, {"a": 2})], id="bad line"),
        pytest.param(b'{"a":"\xff"}\n{"a":2}\n', [(1, "Not well-formed JSON"), (2, {"a": 2})],
                     id="not UTF-8"),
        pytest.param(b'{"a":"\\ud800"}\n', [(1, "Not well-formed JSON")], id="half a surrogate"),
        pytest.param(b'{"a":NaN}\n', [(1, "Not well-formed JSON")], id="not a number"),
        pytest.param(b'[1]\n"x"\nnull\n',
                     [(line, "A line is a JSON object, from person field to value.")
                      for line in (1, 2, 3)], id="no objects"),
        pytest.param(b"\n \n\t\n", [], id="blank lines"),
        pytest.param(b"", [], id="nothing"),
    ],
)  # fmt: skip
def test_lines_are_read_the_same_however_they_are_cut(
    body: bytes, expected: Seen, piece: int | None
) -> None:
    assert read(body, piece) == expected


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9))), st.integers(1, 50))
def test_whatever_is_written_is_read_back(objects: list[dict[str, str]], piece: int) -> None:
    body = b"".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE) for each in objects)
    assert read(body, piece) == list(enumerate(objects, start=1))


def test_line_without_an_end_is_passed_over_without_holding_it() -> None:
    rows = NdjsonRows()
    found: list[ObjectRow | RowFault] = []
    for _ in range(30):
        found += rows.feed(b"x" * 100_000)
        assert rows._held_bytes <= MAX_ROW
    found += rows.feed(b'xx"}\n{"a":1}\n', final=True)
    assert found == [
        RowFault(1, f"The row is over {MAX_ROW} bytes long."),
        ObjectRow(2, {"a": 1}, 7),
    ]


def test_line_over_the_limit_is_refused_even_if_it_comes_whole() -> None:
    body = orjson.dumps({"a": "x" * MAX_ROW}) + b'\n{"a":1}\n'
    assert read(body) == [(1, f"The row is over {MAX_ROW} bytes long."), (2, {"a": 1})]


def test_endless_last_line_is_reported_once() -> None:
    assert [line for line, _ in read(b"x" * (3 * MAX_ROW), 100_000)] == [1]
