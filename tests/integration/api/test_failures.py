"""`/v1/failures` as a caller meets it: shown, exported, tried again."""

import csv
import io
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.db import Database
from app.models import Account
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.failures import make_failure
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people, make_person
from tests.factories.runs import make_run


@pytest.fixture
async def account(database: Database) -> Account:
    return await make_account(database)


async def changes(database: Database) -> dict[int, tuple[int, bool, str]]:
    """Return by person: tries, whether the next one is at once, and the reason."""
    rows = await database.pool.fetch(
        "SELECT person_id, attempts, next_attempt_at = '-infinity' AS at_once, reason "
        "FROM person_changes"
    )
    return {row["person_id"]: (row["attempts"], row["at_once"], row["reason"]) for row in rows}


async def test_a_failure_is_shown_whole(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    run = await make_run(database, account)
    person = await make_person(database, external_ref="C-7")
    failure = await make_failure(
        database,
        account,
        person,
        run_id=run.id,
        attempts=3,
        last_seen_at=START + timedelta(hours=1),
        next_retry_at=START + timedelta(hours=2),
    )
    (shown,) = (await api.get("/v1/failures")).json()["items"]
    assert shown == {
        "id": failure.id,
        "account_id": account.id,
        "job": "send_people",
        "subject": {
            "type": "person",
            "id": person.id,
            "email": "ann@example.com",
            "external_ref": "C-7",
        },
        "list_id": None,
        "list_name": None,
        "run_id": run.id,
        "code": "invalidEmail",
        "message": "Not an email. Correct the person's email address.",
        "first_seen_at": "2026-01-05T09:00:00Z",
        "last_seen_at": "2026-01-05T10:00:00Z",
        "attempts": 3,
        "next_retry_at": "2026-01-05T11:00:00Z",
        "resolved_at": None,
    }


async def test_failures_name_their_people_and_lists_also_as_csv(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    readers = await make_list(database, name="Readers")
    person = await make_person(database, external_ref="C-7")
    of_lists: dict[str, Any] = {"job": "send_lists", "list_id": readers.id}
    await make_failure(database, account, person, subject_type="member", **of_lists)
    await make_failure(database, account, subject_type="list", subject_id=readers.id, **of_lists)
    # Its id is a list's and a person's too, but it is about neither.
    await make_failure(database, account, subject_type="import", subject_id=person.id)

    def names(email: str | None, ref: str | None, list_name: str | None) -> dict[str, str | None]:
        return {"email": email, "external_ref": ref, "list_name": list_name}

    expected = [
        names(None, None, None),
        names(None, None, "Readers"),
        names("ann@example.com", "C-7", "Readers"),
    ]
    shown = (await api.get("/v1/failures")).json()["items"]
    assert [
        names(each["subject"]["email"], each["subject"]["external_ref"], each["list_name"])
        for each in shown
    ] == expected
    exported = (await api.get("/v1/failures", params={"format": "csv"})).text
    rows = csv.DictReader(io.StringIO(exported, newline=""))
    assert [
        names(row["email"] or None, row["external_ref"] or None, row["list_name"] or None)
        for row in rows
    ] == expected


async def test_failures_are_filtered_and_paged_the_newest_first(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    other = await make_account(database)
    readers = await make_list(database)
    first = await make_failure(database, account, subject_id=7)
    member: dict[str, Any] = {"job": "send_lists", "subject_type": "member", "subject_id": 7}
    second = await make_failure(database, account, code="full", list_id=readers.id, **member)
    third = await make_failure(database, other, subject_id=8, resolved_at=START)

    async def found(**query: Any) -> list[int]:  # noqa: ANN401 - any filter
        answer = await api.get("/v1/failures", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await found() == [third.id, second.id, first.id]
    assert await found(account_id=account.id) == [second.id, first.id]
    assert await found(job="send_lists") == [second.id]
    assert await found(code="full") == [second.id]
    assert await found(subject_type="person") == [third.id, first.id]
    assert await found(subject_id=7) == [second.id, first.id]
    assert await found(list_id=readers.id) == [second.id]
    assert await found(resolved=True) == [third.id]
    assert await found(resolved=False) == [second.id, first.id]
    page = (await api.get("/v1/failures", params={"limit": 2})).json()
    assert await found(limit=2, cursor=page["next_cursor"]) == [first.id]
    for query in (
        f"resolved=false&cursor={page['next_cursor']}",
        "job=send_faxes",
        "subject_type=animal",
        "code=%00",
        "format=xml",
        "limit=0",
    ):
        assert (await api.get(f"/v1/failures?{query}")).status_code == 422, query


async def test_csv_is_given_to_who_asks_for_it(api: httpx.AsyncClient) -> None:
    for query, accept, is_csv in (
        ("?format=csv", "application/json", True),
        ("", "text/csv", True),
        ("", "text/csv;q=0.9, */*", True),
        ("", "application/json, text/csv", False),
        ("", "*/*", False),
        ("?format=json", "text/csv", False),
    ):
        answer = await api.get(f"/v1/failures{query}", headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/csv") == is_csv, (query, accept)


async def test_the_export_holds_all_that_fit_and_no_formula(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    await database.pool.execute(
        """
        INSERT INTO failures (account_id, job, subject_type, subject_id, code, message)
        SELECT $1, 'send_people', 'person', n, 'blocker', 'No, "never"' || chr(10) || 'again'
        FROM generate_series(1, 2500) AS n
        """,
        account.id,
    )
    odd: dict[str, Any] = {
        "message": "=HYPERLINK(1)",
        "code": "@x",
        "subject_id": 9000,
        "resolved_at": START,
    }
    formula = await make_failure(database, account, **odd)
    answer = await api.get("/v1/failures?format=csv&limit=1")
    assert answer.headers["content-disposition"] == 'attachment; filename="failures.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 2501
    assert rows[0] == {
        "id": str(formula.id),
        "account_id": str(account.id),
        "job": "send_people",
        "subject_type": "person",
        "subject_id": "9000",
        "email": "",
        "external_ref": "",
        "list_id": "",
        "list_name": "",
        "run_id": "",
        "code": "'@x",
        "message": "'=HYPERLINK(1)",
        "first_seen_at": "2026-01-05T09:00:00Z",
        "last_seen_at": "2026-01-05T09:00:00Z",
        "attempts": "1",
        "next_retry_at": "",
        "resolved_at": "2026-01-05T09:00:00Z",
    }
    assert rows[1]["message"] == 'No, "never"\nagain'
    assert [int(row["subject_id"]) for row in rows[1:]] == list(range(2500, 0, -1))
    some = await api.get("/v1/failures?format=csv&resolved=true")
    assert len(some.text.splitlines()) == 2


async def test_a_retry_makes_the_person_due_at_once(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    waiting, settled = await make_people(database, 2)
    await database.pool.execute(
        "UPDATE person_changes SET attempts = 8, next_attempt_at = 'infinity', reason = 'full' "
        "WHERE person_id = $1",
        waiting.id,
    )
    await database.pool.execute("DELETE FROM person_changes WHERE person_id = $1", settled.id)
    for person in (waiting, settled):
        failure = await make_failure(database, account, person)
        answer = await api.post(f"/v1/failures/{failure.id}/retry")
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"retried": 1, "people": 1, "members": 0}
    assert await changes(database) == {
        waiting.id: (0, True, "full"),
        settled.id: (0, True, "retry"),
    }
    items = (await api.get("/v1/failures")).json()["items"]
    assert [item["next_retry_at"] for item in items] == ["2026-01-05T09:00:00Z"] * 2


async def test_a_retry_touches_nobody_else(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    other = await make_account(database)
    failing, bystander = await make_people(database, 2)
    await database.pool.execute("DELETE FROM person_changes")
    await make_failure(database, account, failing)
    await make_failure(database, other, bystander)
    body = {"filter": {"account_id": account.id}}
    assert (await api.post("/v1/failures/retry", json=body)).json()["people"] == 1
    rows = await database.pool.fetch("SELECT account_id, person_id FROM person_changes")
    assert [tuple(row) for row in rows] == [(account.id, failing.id)]


async def test_many_are_retried_by_filter(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    people = await make_people(database, 4)
    await database.pool.execute("DELETE FROM person_changes")
    await make_failure(database, account, people[0])
    await make_failure(database, account, people[0], job="retrieve_people")
    await make_failure(database, account, people[1])
    await make_failure(database, account, people[2], code="blocker")
    await make_failure(database, account, people[3], resolved_at=START)
    await make_failure(database, account, subject_id=10**9)
    by_code = await api.post("/v1/failures/retry", json={"filter": {"code": "invalidEmail"}})
    assert by_code.json() == {"retried": 4, "people": 2, "members": 0}
    assert set(await changes(database)) == {people[0].id, people[1].id}
    everything = await api.post("/v1/failures/retry", json={"filter": {}})
    assert everything.json() == {"retried": 5, "people": 3, "members": 0}


async def test_a_member_that_failed_is_pending_again(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    readers = await make_list(database, account)
    failed, synced = await make_people(database, 2)
    await make_members(database, readers, [failed], "failed")
    await make_members(database, readers, [synced], "synced")
    for person in (failed, synced):
        kind = {"job": "send_lists", "subject_type": "member", "list_id": readers.id}
        await make_failure(database, account, person, **kind)
    answer = await api.post("/v1/failures/retry", json={"filter": {"list_id": readers.id}})
    assert answer.json() == {"retried": 2, "people": 0, "members": 1}
    rows = await database.pool.fetch("SELECT person_id, sync_state FROM list_members")
    assert {row["person_id"]: row["sync_state"] for row in rows} == {
        failed.id: "pending",
        synced.id: "synced",
    }


async def test_what_can_not_be_retried_is_a_problem(
    api: httpx.AsyncClient, database: Database, account: Account
) -> None:
    healed = await make_failure(database, account, resolved_at=START)
    assert (await api.post(f"/v1/failures/{healed.id}/retry")).status_code == 409
    assert (await api.post("/v1/failures/999/retry")).status_code == 404
    assert (await api.post("/v1/failures/0/retry")).status_code == 422
    for body in ({}, {"filter": None}, {"filter": {"colour": "red"}}, {"filter": {"job": "x"}}):
        assert (await api.post("/v1/failures/retry", json=body)).status_code == 422
