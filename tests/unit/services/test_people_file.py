"""Whole files, without a database: what the rows of each awkward one are read as."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.services.import_rows import RowFault
from app.services.people_file import FileOptions, PersonRead, people_file
from samples.people import csv_chunks, figures
from tests.shared import ROOT

AWKWARD = ROOT / "tests" / "awkward"
CSV = FileOptions(format="csv", phone_region="GB")
NDJSON = FileOptions(format="ndjson", phone_region="GB")


def read(
    content: bytes, options: FileOptions, piece: int | None = None
) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    """Return by line the values of those that can be stored, and what is wrong with the others."""
    file = people_file(options)
    size = piece or max(len(content), 1)
    rows = [
        row
        for start in range(0, len(content), size)
        for row in file.feed(content[start : start + size])
    ]
    rows += file.finish()
    lines = [row.line for row in rows]
    assert lines == sorted(lines)
    people = {row.line: row.values for row in rows if isinstance(row, PersonRead)}
    return people, {row.line: row.detail for row in rows if isinstance(row, RowFault)}


@pytest.mark.parametrize(
    "name, options, made, rejected",
    [
        pytest.param("latin1.csv", replace(CSV, charset="iso8859-1"),
                     {"L-1": "Zoë Brontë", "L-2": "José Núñez"}, {}, id="Latin-1, named"),
        pytest.param("windows1252.csv", replace(CSV, charset="cp1252"),
                     {"W-1": "Seán O\u2019Brien", "W-2": "Euro €"}, {}, id="windows-1252, named"),
        pytest.param("byte_order_mark.csv", CSV, {"B-1": "Zoë Brontë"}, {}, id="a mark"),
        pytest.param("utf16_tabs.csv", CSV, {"U-1": "さくら 田中"}, {}, id="UTF-16"),
        pytest.param("crlf.csv", CSV, {"C-1": "Anna Lee", "C-2": "Bob Ray"}, {}, id="CRLF"),
        pytest.param("cr.csv", CSV, {"R-1": "Anna Lee", "R-2": "Bob Ray"}, {}, id="CR"),
        pytest.param("semicolons.csv", CSV,
                     {"S-1": "Anna Lee", "S-2": "Bob; the third Ray"}, {}, id="semicolons"),
        pytest.param("pipes.csv", CSV, {"P-1": "Anna, Maria Lee"}, {}, id="pipes"),
        pytest.param("quotes_and_newlines.csv", CSV,
                     {"Q-1": "Anna Lee", "Q-2": 'Bob "Bobby" Ray'}, {}, id="quotes and newlines"),
        pytest.param("ragged.csv", CSV, {"G-1": "Anna Lee", "G-4": "Di Eve"},
                     {3: "Has 3 cells where the header has 4", 4: "Has 5 cells"}, id="ragged"),
        pytest.param("open_quote.csv", CSV,
                     {"O-1": "Anna Lee", "O-3": "Cy Day", "O-4": "Di Eve"},
                     {3: "Opens a quote that never closes"}, id="a quote that never closes"),
        pytest.param("nul_bytes.csv", CSV, {"N-2": "Bob Ray"},
                     {2: "first_name: Holds a NUL byte"}, id="NUL"),
        pytest.param("bad_rows.csv", CSV, {"X-7": "Gil Hay"},
                     {2: "email: Not an email address", 3: "first_name: ", 4: "kind: ",
                      5: "no_email: ", 6: "mobile_number: Not a telephone number",
                      7: "email: Not an email address"},
                     id="bad values"),
        pytest.param("trailing_delimiter.csv", CSV, {"D-1": "None None", "D-2": "None None"},
                     {}, id="a delimiter too many, everywhere"),
        pytest.param("header_only.csv", CSV, {}, {}, id="a header alone"),
        pytest.param("mixed.ndjson", NDJSON,
                     {"J-1": "Zoë None", "J-9": "None None"},
                     {2: "Not well-formed JSON", 3: "A line is a JSON object",
                      5: "There is no person field 'emial'. Did you mean email?",
                      6: "Not well-formed JSON", 7: "custom: Holds a NUL byte", 8: "no_email: ",
                      9: "first_name: ", 10: "Gives no field of a person a value"},
                     id="NDJSON"),
        pytest.param("not_utf8.ndjson", NDJSON, {"K-2": "Bob None"},
                     {1: "Not well-formed JSON"}, id="NDJSON that is not UTF-8"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("piece", [None, 1])
def test_awkward_files_keep_their_good_rows(
    name: str,
    options: FileOptions,
    made: dict[str, str],
    rejected: dict[int, str],
    piece: int | None,
) -> None:
    people, faults = read((AWKWARD / name).read_bytes(), options, piece)
    names = {
        values["external_ref"]: f"{values.get('first_name')} {values.get('last_name')}"
        for values in people.values()
    }
    assert names == made
    assert list(faults) == list(rejected)
    for line, detail in faults.items():
        assert detail.startswith(rejected[line]), detail


def test_every_awkward_file_is_looked_at_by_a_test() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_people_*.py"))
    files = {path.name for path in AWKWARD.iterdir() if path.suffix in {".csv", ".ndjson"}}
    assert {name for name in files if name not in tests} == set()


def test_cells_in_quotes_arrive_whole() -> None:
    people, _ = read((AWKWARD / "quotes_and_newlines.csv").read_bytes(), CSV)
    assert list(people) == [2, 4]
    assert people[2]["organisation"] == 'The "Old" Co., Ltd'
    assert people[2]["address_line_1"] == "Flat 2\r\nThe Barn"
    assert people[4]["organisation"] == '5" Pipes'
    assert people[4]["address_line_1"] == "x\ny"


@pytest.mark.parametrize("number", [1, 2, 3, 5, 9])
def test_reading_can_begin_at_any_line(number: int) -> None:
    content = b"email\na@example.com\n\nbad\nb@example.com\n\n"
    everything = read(content, CSV)
    people, faults = read(content, replace(CSV, from_line=number))
    assert people == {line: row for line, row in everything[0].items() if line >= number}
    assert faults == {line: why for line, why in everything[1].items() if line >= number}
    lines = b'{"email": "a@example.com"}\n[]\n{"email": "b@example.com"}\n'
    people, faults = read(lines, replace(NDJSON, from_line=2))
    assert (list(people), list(faults)) == ([3], [2])


@pytest.mark.parametrize("row", ["x,", " ,", '"",'])
def test_row_that_says_nothing_of_a_person_is_rejected(row: str) -> None:
    people, faults = read(f"unknown,email\n{row}\nx,a@example.com\n".encode(), CSV)
    assert list(people) == [3]
    blank = not row.replace('"', "").strip(" ,")
    assert faults == ({} if blank else {2: "Gives no field of a person a value."})


@given(st.binary(max_size=300), st.sampled_from([CSV, NDJSON]), st.integers(1, 40))
def test_no_bytes_at_all_raise_anything_but_a_refusal(
    content: bytes, options: FileOptions, piece: int
) -> None:
    begin = b"email,first_name\n" if options is CSV else b""
    with contextlib.suppress(Invalid):
        people, faults = read(begin + content, options, piece)
        assert not set(people) & set(faults)


def test_samples_are_read_as_their_figures_say() -> None:
    people, faults = read(b"".join(csv_chunks(1000)), CSV)
    assert len(people) == figures(1000).created
    assert len(faults) == figures(1000).rejected


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"email,first_name,Surnamea@example.com,Ann,Leeb@example.com,Bob,Ray",
                     id="an email among the headers"),
        pytest.param(b"external_ref,first_nameC-1,AnnC-2,Bob", id="a name and a value in one"),
        pytest.param(b'"email","title""a","Dr"', id="quotes"),
        pytest.param(b"emaila@example.com", id="a single column"),
        pytest.param(b"first_name,emailAnn,a@example.com", id="no column of the email left"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("piece", [None, 1])
def test_file_whose_line_ends_were_lost_is_refused(content: bytes, piece: int | None) -> None:
    with pytest.raises(Invalid) as caught:
        read(content, CSV, piece)
    assert "--data-binary" in caught.value.detail


@pytest.mark.parametrize("content", [b"email,title", b"email,Shoe size", b"email,Surname"])
def test_header_without_a_line_end_is_a_file_of_nobody(content: bytes) -> None:
    assert read(content, CSV) == ({}, {})


def test_objects_that_run_together_are_told_how_to_be_sent() -> None:
    _, faults = read(b'{"email": "a@example.com"}{"email": "b@example.com"}', NDJSON)
    assert "--data-binary" in faults[1]


@pytest.mark.parametrize(
    "content, told",
    [
        pytest.param(b"PK\x03\x04\x14\x00\x06\x00", "workbook (.xlsx or .ods)", id="xlsx"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "(.xls)", id="xls"),
        pytest.param(b"\x1f\x8b\x08\x00", "gzip", id="gzip"),
        pytest.param(b"%PDF-1.7\n", "a PDF", id="PDF"),
    ],
)
@pytest.mark.parametrize("options", [CSV, NDJSON, replace(CSV, charset="iso8859-1")])
@pytest.mark.parametrize("piece", [None, 1])
def test_what_is_no_text_is_called_by_its_name(
    content: bytes, told: str, options: FileOptions, piece: int | None
) -> None:
    with pytest.raises(Invalid) as caught:
        read(content + b"\nemail\n\xff", options, piece)
    assert told in caught.value.detail


@pytest.mark.parametrize("content", [b"P", b"PK", b"%P,email\nx,a@example.com\n"])
@pytest.mark.parametrize("piece", [None, 1])
def test_text_that_begins_alike_is_read_whole(content: bytes, piece: int | None) -> None:
    if b"\n" in content:
        assert list(read(content, CSV, piece)[0]) == [2]
    else:
        with pytest.raises(
            Invalid, match=f"None of the headers is a person field: '{content.decode()}'"
        ):
            read(content, CSV, piece)
