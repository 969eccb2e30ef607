"""`/v1/people/{id}/links/{account_id}`: a caller that knows the contact already."""

import httpx
import pytest

from app.db import Database
from sandbox.server import RunningSandbox
from tests.factories.accounts import make_account, make_account_over_api
from tests.factories.contact_links import due_people, make_link, settle_everyone
from tests.factories.people import make_person, put_in_flight


@pytest.fixture
async def account_id(api: httpx.AsyncClient, sandbox: RunningSandbox) -> int:
    """Give the id of the sandbox's account."""
    made = await make_account_over_api(api, sandbox)
    account_id: int = made["id"]
    return account_id


def add_contact(sandbox: RunningSandbox, email: str) -> int:
    (contact_id,) = sandbox.control.add_contacts(
        [{"identifiers": {"email": email, "mobileNumber": "447911123456"}}]
    )
    return contact_id


async def test_person_is_linked_and_due(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox, account_id: int
) -> None:
    contact_id = add_contact(sandbox, "Old@example.com")
    person = await make_person(database)
    await settle_everyone(database)
    path = f"/v1/people/{person.id}/links/{account_id}"

    answer = await api.put(path, json={"contact_id": contact_id})

    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["account_id"], shown["contact_id"], shown["state"], shown["pending_change"]) == (
        account_id,
        contact_id,
        "pending",
        True,
    )
    assert shown["account_status"] == "subscribed"
    assert await due_people(database, account_id) == [person.id]
    link = await database.pool.fetchrow("SELECT * FROM contact_links")
    assert (link["email_key"], link["mobile_sent"], link["sent_fingerprint"]) == (
        "old@example.com",
        "+447911123456",
        None,
    )
    again = await api.put(path, json={"contact_id": contact_id})
    assert again.json() == {**shown, "pending_since": again.json()["pending_since"]}


async def test_contact_that_is_not_mailed_opts_the_person_out(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox, account_id: int
) -> None:
    contact_id = add_contact(sandbox, "ann@example.com")
    sandbox.control.unsubscribe(contact_id)
    person = await make_person(database)
    await api.put(f"/v1/people/{person.id}/links/{account_id}", json={"contact_id": contact_id})
    shown = (await api.get(f"/v1/people/{person.id}")).json()
    assert (shown["no_email"], shown["opt_out_reason"]) == (True, "unsubscribed")


async def test_contact_of_somebody_else_is_a_conflict(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox, account_id: int
) -> None:
    contact_id = add_contact(sandbox, "ann@example.com")
    first, second = await make_person(database), await make_person(database)
    body = {"contact_id": contact_id}
    await api.put(f"/v1/people/{first.id}/links/{account_id}", json=body)
    answer = await api.put(f"/v1/people/{second.id}/links/{account_id}", json=body)
    assert (answer.status_code, answer.json()["person_id"]) == (409, first.id)
    await api.delete(f"/v1/people/{first.id}/links/{account_id}")
    freed = await api.put(f"/v1/people/{second.id}/links/{account_id}", json=body)
    assert freed.status_code == 200


async def test_contact_that_is_none_is_refused(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox, account_id: int
) -> None:
    person = await make_person(database)
    for contact_id in (987_654, 0, 2**63, "1"):
        answer = await api.put(
            f"/v1/people/{person.id}/links/{account_id}", json={"contact_id": contact_id}
        )
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (
            422,
            "/body/contact_id",
        )


async def test_who_or_what_is_not_there_is_not_found(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox, account_id: int
) -> None:
    person = await make_person(database)
    body = {"contact_id": add_contact(sandbox, "ann@example.com")}
    for path in (f"/v1/people/999/links/{account_id}", f"/v1/people/{person.id}/links/999"):
        assert (await api.put(path, json=body)).status_code == 404
        assert (await api.delete(path)).status_code == 404
    assert (await api.delete(f"/v1/people/{person.id}/links/{account_id}")).status_code == 404


async def test_unreachable_dotdigital_links_nobody(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox, account_id: int
) -> None:
    contact_id = add_contact(sandbox, "ann@example.com")
    person = await make_person(database)
    sandbox.control.add_fault("status", method="GET", status=503, times=None)
    answer = await api.put(
        f"/v1/people/{person.id}/links/{account_id}", json={"contact_id": contact_id}
    )
    assert answer.status_code == 502
    assert await database.pool.fetchval("SELECT count(*) FROM contact_links") == 0


async def test_unlinking_leaves_the_contact_and_frees_it_for_who_shares_the_email(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    person, sibling = await make_person(database), await make_person(database)
    await make_link(database, account, person, email_key="ann@example.com")
    await settle_everyone(database)
    path = f"/v1/people/{person.id}/links/{account.id}"
    assert (await api.delete(path)).status_code == 204
    (item,) = (await api.get(f"/v1/people/{person.id}/sync")).json()["items"]
    assert (item["contact_id"], item["state"], item["pending_change"]) == (None, "unlinked", False)
    assert await due_people(database, account.id) == [sibling.id]
    assert (await api.delete(path)).status_code == 404


async def test_person_in_flight_keeps_its_link(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    person = await make_person(database)
    await make_link(database, account, person)
    await put_in_flight(database, account, person)
    answer = await api.delete(f"/v1/people/{person.id}/links/{account.id}")
    assert (answer.status_code, "in flight" in answer.json()["detail"]) == (409, True)
