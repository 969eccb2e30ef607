"""Files of people, and those who opted out: nobody is brought back by a file, nor overlooked."""

from typing import Any

import httpx
import pytest

from app.db import Database
from tests.factories.people import make_person
from tests.integration.api.test_people_import import counts, people, send


@pytest.mark.parametrize("header", ["Unsubscribed", "unsubscribed_at", "subscribed"])
async def test_column_of_opt_outs_that_would_be_ignored_refuses_the_file(
    api: httpx.AsyncClient, database: Database, header: str
) -> None:
    content = f"email,{header}\nu1@example.com,1\n"
    refused = await send(api, content, 422)
    assert repr(header) in refused["detail"]
    assert await people(database) == []
    taken = await send(api, content, columns=f'{{"{header}": null}}')
    assert counts(taken) == (1, 0, 0, 0)


async def test_opt_outs_are_taken_once_the_column_is_mapped(
    api: httpx.AsyncClient, database: Database
) -> None:
    content = "email,Unsubscribed\nu1@example.com,TRUE\nu2@example.com,FALSE\n"
    await send(api, content, columns='{"Unsubscribed": "no_email"}')
    assert [person["no_email"] for person in await people(database)] == [True, False]


@pytest.mark.parametrize(
    "query, kept, is_out",
    [
        pytest.param({}, 1, True, id="by itself"),
        pytest.param({"lift_opt_outs": "true"}, 0, False, id="told to lift it"),
    ],
)
async def test_old_file_brings_nobody_back_who_opted_out_since(
    api: httpx.AsyncClient, database: Database, query: dict[str, Any], kept: int, *, is_out: bool
) -> None:
    await make_person(database, external_ref="C-1", no_email=True, opt_out_reason="unsubscribed")
    content = "external_ref,no_email,city\nC-1,no,York\nC-2,no,Bath\n"
    answer = await send(api, content, **query)
    assert counts(answer) == (1, 1, 0, 0)
    assert answer["opt_outs_kept"] == kept
    ann, _ = await people(database)
    assert (ann["no_email"], ann["city"]) == (is_out, "York")
    assert (ann["opt_out_reason"], ann["opted_in_at"] is None) == (
        ("unsubscribed", True) if is_out else (None, False)
    )


async def test_opt_out_of_a_row_stands_against_the_rows_behind_it(
    api: httpx.AsyncClient, database: Database
) -> None:
    answer = await send(api, "external_ref,no_email\nC-1,yes\nC-1,no\n")
    assert (answer["opt_outs_kept"], (await people(database))[0]["no_email"]) == (1, True)


async def test_ndjson_lifts_no_opt_out_either(api: httpx.AsyncClient, database: Database) -> None:
    await make_person(database, external_ref="C-1", no_email=True)
    content = '{"external_ref": "C-1", "no_email": false}\n'
    answer = await send(api, content, content_type="application/x-ndjson")
    assert (counts(answer), answer["opt_outs_kept"]) == ((0, 0, 1, 0), 1)


async def test_bulk_upsert_lifts_an_opt_out_that_it_names(
    api: httpx.AsyncClient, database: Database
) -> None:
    await make_person(database, external_ref="C-1", no_email=True)
    row = {"external_ref": "C-1", "no_email": False}
    answer = await api.post("/v1/people/bulk", json={"people": [row]})
    assert answer.json()["updated"] == 1
    assert (await people(database))[0]["no_email"] is False


async def test_deleted_people_who_come_back_by_a_file_are_counted(
    api: httpx.AsyncClient, database: Database
) -> None:
    gone = await make_person(database, external_ref="C-1")
    assert (await api.delete(f"/v1/people/{gone.id}")).status_code == 204
    answer = await send(api, "external_ref,city\nC-1,York\nC-1,Leeds\nC-2,Bath\n")
    assert (counts(answer), answer["restored"]) == ((1, 2, 0, 0), 1)
    audited = await database.pool.fetchval(
        "SELECT detail FROM audit_log WHERE action = 'people_imported'"
    )
    assert (audited["restored"], audited["opt_outs_kept"]) == (1, 0)


async def test_file_that_is_refused_for_its_headers_has_nothing_stored_to_speak_of(
    api: httpx.AsyncClient,
) -> None:
    refused = await send(api, "shoe\nx\n", 422)
    assert "stored" not in refused
