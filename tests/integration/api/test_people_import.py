"""Files of people over REST: what is taken, what is rejected, and how it is said."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db import Database
from samples.people import figures, write_csv, write_ndjson
from tests.shared import ROOT

AWKWARD = ROOT / "tests" / "awkward"
PATH = "/v1/people/import"


async def send(
    api: httpx.AsyncClient,
    content: bytes | str,
    status: int = 200,
    content_type: str = "text/csv",
    **query: Any,  # noqa: ANN401 - query values
) -> Any:  # noqa: ANN401 - an answer's JSON
    """Import this; return the answer's JSON."""
    answer = await api.post(
        PATH, content=content, headers={"Content-Type": content_type}, params=query
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def counts(answer: Any) -> tuple[int, int, int, int]:  # noqa: ANN401 - an answer's JSON
    """Return created, updated, unchanged and rejected."""
    return answer["created"], answer["updated"], answer["unchanged"], answer["rejected"]


async def people(database: Database) -> list[dict[str, Any]]:
    """Return everybody, in the order of ids."""
    return [dict(row) for row in await database.pool.fetch("SELECT * FROM people ORDER BY id")]


US = {
    "company_name": "organisation",
    "address": "address_line_1",
    "zip": "postcode",
    "phone1": "mobile_number",
}
UK = {
    "companyName": "organisation",
    "address": "address_line_1",
    "postal": "postcode",
    "phone1": "mobile_number",
}


@pytest.mark.parametrize(
    "name, columns, region, first",
    [
        pytest.param(
            "us-500.csv",
            US,
            "US",
            {
                "first_name": "James",
                "last_name": "Butt",
                "organisation": "Benton, John B Jr",
                "address_line_1": "6649 N Blue Gum St",
                "city": "New Orleans",
                "county": "Orleans",
                "state": "LA",
                "postcode": "70116",
                "mobile_number": "+15046218927",
                "email": "jbutt@gmail.com",
            },
            id="US, CRLF, few quotes",
        ),
        pytest.param(
            "uk-500.csv",
            UK,
            "gb",
            {
                "first_name": "Aleshia",
                "last_name": "Tomkiewicz",
                "organisation": "Alan D Rosenburg Cpa Pc",
                "postcode": "CT2 7PP",
                "state": None,
                "mobile_number": "+441835703597",
                "email": "atomkiewicz@hotmail.com",
            },
            id="UK, all quoted, other headers",
        ),
    ],
)
async def test_public_sample_files_import_whole(
    api: httpx.AsyncClient,
    database: Database,
    shared_dir: Path,
    name: str,
    columns: dict[str, str],
    region: str,
    first: dict[str, str | None],
) -> None:
    columns_text = str(columns).replace("'", '"')
    content = (shared_dir / "data" / name).read_bytes()
    answer = await send(api, content, columns=columns_text, phone_region=region)
    assert answer == {
        "created": 500,
        "updated": 0,
        "unchanged": 0,
        "restored": 0,
        "opt_outs_kept": 0,
        "rejected": 0,
        "errors": [],
        "errors_truncated": False,
        "ignored_columns": ["phone2", "web"],
        "likely_fields": {},
    }
    stored = await people(database)
    assert len(stored) == 500
    assert {field: stored[0][field] for field in first} == first
    assert all(person["mobile_number"].startswith("+") for person in stored)


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
async def test_our_own_samples_import_as_their_figures_say(
    api: httpx.AsyncClient, database: Database, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"people.{suffix}"
    write = write_csv if suffix == "csv" else write_ndjson
    write(file, 300)
    content_type = "text/csv" if suffix == "csv" else "application/x-ndjson"
    expected = figures(300)
    answer = await send(api, file.read_bytes(), content_type=content_type)
    assert counts(answer) == (expected.created, 0, 0, expected.rejected)
    assert len(answer["errors"]) == expected.rejected
    again = await send(api, file.read_bytes(), content_type=content_type)
    assert counts(again) == (0, 0, expected.created, expected.rejected)
    stored = await people(database)
    assert sum(person["no_email"] for person in stored) == expected.no_email
    assert sum(not person["sync_with_mailer"] for person in stored) == expected.not_synced
    assert sum(person["kind"] == "lead" for person in stored) == expected.leads
    assert sum(person["email"] is None for person in stored) == expected.blank_email
    orders = next(person["custom"]["orders"] for person in stored if "orders" in person["custom"])
    assert orders[0]["lines"][0]["quantity"] > 0


async def test_rows_with_one_ref_are_one_person(api: httpx.AsyncClient, database: Database) -> None:
    answer = await send(api, (AWKWARD / "same_ref_twice.csv").read_bytes())
    assert counts(answer) == (2, 1, 0, 0)
    assert [person["first_name"] for person in await people(database)] == ["Anna Maria", "Bob"]


@pytest.mark.parametrize(
    "name, content_type, made",
    [
        pytest.param("latin1.csv", "text/csv; charset=ISO-8859-1", ["Zoë", "José"], id="Latin-1"),
        pytest.param("utf16_tabs.csv", 'TEXT/CSV; charset="utf-8"', ["さくら"], id="UTF-16"),
        pytest.param("open_quote.csv", "text/csv", ["Anna", "Cy", "Di"], id="an open quote"),
        pytest.param("mixed.ndjson", "application/x-ndjson", ["Zoë", None], id="NDJSON"),
    ],
)
async def test_awkward_files_keep_their_good_rows(
    api: httpx.AsyncClient, database: Database, name: str, content_type: str, made: list[str | None]
) -> None:
    answer = await send(api, (AWKWARD / name).read_bytes(), content_type=content_type)
    assert [person["first_name"] for person in await people(database)] == made
    assert answer["created"] == len(made)
    assert answer["rejected"] == len(answer["errors"])


async def test_files_that_are_none_are_refused(api: httpx.AsyncClient, database: Database) -> None:
    for name, expected in {
        "latin1.csv": "Line 2 is not UTF-8 (byte 0xEB). Save the file as UTF-8, or name its "
        "charset: Content-Type: text/csv; charset=iso-8859-1 (on the command line --charset "
        "iso-8859-1). Nothing was stored.",
        "no_header.csv": "None of the headers is a person field: 'C-1', 'anna@example.com'",
        "duplicate_headers.csv": "Two columns are the field email",
        "wide.csv": "The first line has 10000 columns; 1000 are taken",
        "blank.csv": "The body is empty",
    }.items():
        problem = await send(api, (AWKWARD / name).read_bytes(), 422)
        assert problem["detail"].startswith(expected), name
    assert await people(database) == []


#: What is asked, and how the refusal begins.
REFUSED_QUERIES = (
    ({"columns": "{"}, "Not well-formed JSON"),
    ({"columns": '{"phone": "mobile_number"}'}, "The file has no column 'phone'. It has 'email'"),
    ({"columns": '{"name": "nickname"}'}, "'name': There is no person field 'nickname'"),
    ({"columns": '{"name": "custom.a\\u0000"}'}, "'name': '\\x00' in 'custom.a\\x00' is out of"),
    ({"columns": '{"\\ud800": "email"}'}, "Not well-formed JSON"),
    ({"columns": "x" * 50_001}, "/query/columns: String should have at most"),
    ({"phone_region": "XX"}, "'XX' is no region"),
    ({"phone_region": "GBR"}, "/query/phone_region: String should have at most"),
    ({"delimiter": "x"}, "'x' is none"),
    ({"from_line": 0}, "/query/from_line: Input should be greater"),
    ({"from_line": 10**20}, "/query/from_line: Input should be less"),
    ({"blank": "zap"}, "/query/blank: Input should be 'clear' or 'keep'"),
    ({"dry_run": "x"}, "/query/dry_run: Write true or false."),
)


async def test_parameters_that_make_no_sense_are_refused_before_anything_is_stored(
    api: httpx.AsyncClient, database: Database
) -> None:
    for query, expected in REFUSED_QUERIES:
        problem = await send(api, "email,name\na@example.com,Anna\n", 422, **query)
        assert problem["detail"].startswith(expected), query
        assert problem["errors"][0]["pointer"] == f"/query/{next(iter(query))}"
    assert await people(database) == []


async def test_empty_bodies_are_refused(api: httpx.AsyncClient) -> None:
    for content_type in ("text/csv", "application/x-ndjson"):
        problem = await send(api, b"", 422, content_type)
        assert problem["type"].endswith("/problems/unreadable-import")
        assert problem["detail"].startswith("The body is empty.")


#: Headers of bodies that are not taken.
REFUSED_TYPES: tuple[dict[str, str], ...] = (
    {"Content-Type": "application/json"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Content-Type": "text/plain"},
    {},
    {"Content-Type": "text/csv; charset=klingon"},
    {"Content-Type": "text/csv; charset=zlib"},
    {"Content-Type": "application/x-ndjson; charset=latin1"},
    {"Content-Type": "text/csv", "Content-Encoding": "gzip"},
)


async def test_other_content_types_are_refused(api: httpx.AsyncClient) -> None:
    for headers in REFUSED_TYPES:
        answer = await api.post(PATH, content=b"email\na@example.com\n", headers=headers)
        assert answer.status_code == 415, headers
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith("/problems/unsupported-media-type")


async def test_delimiter_can_be_named(api: httpx.AsyncClient) -> None:
    marks = {
        "semicolon": ";",
        "Tab": "\t",
        "pipe": "|",
        ";": ";",
        "\t": "\t",
        r"\t": "\t",
        "|": "|",
    }
    for delimiter, mark in marks.items():
        # By the first line alone it would be the comma.
        content = f"email{mark}a,b,c\na@example.com{mark}x\n"
        answer = await send(api, content, delimiter=delimiter)
        assert counts(answer) == (1, 0, 0, 0), delimiter
        assert answer["ignored_columns"] == ["a,b,c"]


async def test_numbers_are_read_as_dialled_in_the_region_that_is_named(
    api: httpx.AsyncClient, database: Database
) -> None:
    await send(api, "email,mobile_number\n,(212) 555-0123\n", phone_region="us")
    await send(api, "email,mobile_number\n,07400 000001\n")
    assert [person["mobile_number"] for person in await people(database)] == [
        "+12125550123",
        "+447400000001",
    ]


async def test_blank_cell_clears_the_field_unless_told_to_keep_it(
    api: httpx.AsyncClient, database: Database
) -> None:
    await send(api, "external_ref,title,no_email,custom.a,custom.b\n1,Dr,yes,x,y\n")
    blanks = "external_ref,title,no_email,custom.a\n1,,,\n"
    assert counts(await send(api, blanks, blank="keep")) == (0, 0, 1, 0)
    assert counts(await send(api, blanks)) == (0, 1, 0, 0)
    (person,) = await people(database)
    assert person["title"] is None
    assert person["no_email"] is True
    assert person["custom"] == {"b": "y"}


async def test_our_id_counts_only_where_the_map_says_so(
    api: httpx.AsyncClient, database: Database
) -> None:
    await send(api, "email,first_name\n,Anna\n")
    (anna,) = await people(database)
    content = f"id,first_name\n{anna['id']},Anne\n999,Nobody\nx,Nobody\n,Bob\n"
    answer = await send(api, content, columns='{"id": "id"}')
    assert counts(answer) == (1, 1, 0, 2)
    assert [error["line"] for error in answer["errors"]] == [3, 4]
    assert answer["errors"][0]["detail"] == "There is no person 999."
    unmapped = await send(api, content, 422)
    assert 'columns={"id": "external_ref"}; if it is dotsync\'s id,' in unmapped["detail"]
    beside = await send(api, f"id,email\n{anna['id']},a@example.com\n")
    assert counts(beside) == (1, 0, 0, 0)
    assert (beside["ignored_columns"], beside["likely_fields"]) == (["id"], {"id": "external_ref"})


async def test_email_is_not_lost_for_its_name(api: httpx.AsyncClient, database: Database) -> None:
    content = "Email Address,First Name,Surname\na@example.com,Ann,Lee\n"
    refused = await send(api, content, 422)
    assert '{"Email Address": "email"}' in refused["detail"]
    assert await people(database) == []

    answer = await send(api, content, columns='{"Email Address": "email"}')
    assert answer["ignored_columns"] == ["Surname"]
    assert answer["likely_fields"] == {"Surname": "last_name"}
    (ann,) = await people(database)
    assert (ann["email"], ann["first_name"], ann["last_name"]) == ("a@example.com", "Ann", None)


async def test_words_for_yes_and_no_are_said_where_another_one_stands(
    api: httpx.AsyncClient, database: Database
) -> None:
    words = ["TRUE", "yes", "Y", "t", "on", "1", "False", "no", "n", "F", "off", "0", "maybe"]
    rows = "".join(f"{number},{word}\n" for number, word in enumerate(words))
    answer = await send(api, f"external_ref,no_email\n{rows}")
    assert [person["no_email"] for person in await people(database)] == [True] * 6 + [False] * 6
    assert answer["errors"] == [
        {
            "line": 14,
            "detail": "no_email: Write true, yes, y, t, on or 1, or else false, no, n, f, off or "
            "0, in any case.",
        }
    ]


async def test_workbook_and_lost_line_ends_are_told_from_csv(
    api: httpx.AsyncClient, database: Database
) -> None:
    workbook = await send(api, b"PK\x03\x04\x14\x00\x06\x00\x08\x83", 422)
    assert "workbook (.xlsx or .ods)" in workbook["detail"]
    assert workbook["type"].endswith("/problems/unreadable-import")
    one_line = await send(api, "email,first_namea@example.com,Annb@example.com,Bob", 422)
    assert "--data-binary" in one_line["detail"]
    assert await people(database) == []


async def test_errors_are_capped_and_say_so(api: httpx.AsyncClient) -> None:
    rows = "".join(f"no-at-sign-{number}\n" for number in range(1001))
    answer = await send(api, "email\n" + rows)
    assert answer["rejected"] == 1001
    assert len(answer["errors"]) == 1000
    assert answer["errors_truncated"] is True
    assert answer["errors"][-1]["line"] == 1001
    fewer = await send(api, "email\n" + rows[: rows.rindex("no-at")])
    assert fewer["rejected"] == 1000
    assert fewer["errors_truncated"] is False


async def test_dry_run_says_what_would_be_and_stores_nothing(
    api: httpx.AsyncClient, database: Database
) -> None:
    await send(api, "external_ref,email\n1,a@example.com\n")
    content = "external_ref,email\n1,b@example.com\n2,c@example.com\n3,bad\n"
    answer = await send(api, content, dry_run=True)
    assert counts(answer) == (1, 1, 0, 1)
    assert [person["email"] for person in await people(database)] == ["a@example.com"]
    assert await database.pool.fetchval("SELECT count(*) FROM audit_log") == 1


async def test_audit_log_keeps_one_entry_an_import(
    api: httpx.AsyncClient, database: Database
) -> None:
    await send(api, "email\na@example.com\nbad\n")
    (entry,) = await database.pool.fetch("SELECT * FROM audit_log")
    assert (entry["action"], entry["subject_type"]) == ("people_imported", "person")
    assert entry["actor"].endswith("(bootstrap)")
    assert entry["detail"] == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "restored": 0,
        "opt_outs_kept": 0,
        "rejected": 1,
        "through_line": 3,
        "complete": True,
    }
