"""`/v1/people/{id}/erase`: everything goes, here and there."""

import httpx
import pytest

from app.db import Database
from app.models import Account
from app.services.cipher import key_kept_in
from app.services.erasure import EmailHashes, erased_among
from app.settings import Settings
from sandbox.control.errors import UnknownError
from sandbox.server import RunningSandbox
from tests.factories.accounts import make_account_over_api
from tests.factories.activities import make_activity
from tests.factories.contact_links import due_people, make_link, settle_everyone
from tests.factories.failures import make_failure
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_person, put_in_flight

TABLES = (
    "people",
    "contact_links",
    "list_members",
    "person_changes",
    "failures",
    "online_activities",
    "address_opt_outs",
    "consents",
)


async def connected(api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox) -> Account:
    made = await make_account_over_api(api, sandbox)
    async with database.reading() as session:
        found = await session.get(Account, made["id"])
    assert found is not None
    return found


async def left_over(database: Database) -> dict[str, int]:
    counts = {
        table: await database.pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES
    }
    return {table: count for table, count in counts.items() if count}


def is_there(sandbox: RunningSandbox, id_or_email: int | str) -> bool:
    try:
        sandbox.control.contact(id_or_email)
    except UnknownError:
        return False
    return True


async def test_nothing_is_left_but_a_hash(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox, settings: Settings
) -> None:
    account = await connected(api, database, sandbox)
    (contact_id,) = sandbox.control.add_contacts([{"identifiers": {"email": "ann@example.com"}}])
    person = await make_person(database)
    await make_link(database, account, person, contact_id=contact_id)
    await make_members(database, await make_list(database, account), [person])
    await make_failure(database, account, subject_id=person.id)
    await make_activity(database, account, person_id=person.id)
    await make_activity(database, account, contact_id=contact_id)
    await make_activity(database, account, email="ANN@example.com")
    await database.pool.execute(
        """INSERT INTO address_opt_outs (account_id, email_key, source, opted_out_at)
           VALUES ($1, 'ann@example.com', 'old_address', now())""",
        account.id,
    )

    answer = await api.post(f"/v1/people/{person.id}/erase")

    assert (answer.status_code, answer.content) == (204, b"")
    assert not is_there(sandbox, contact_id)
    assert await left_over(database) == {}
    assert (await api.get(f"/v1/people/{person.id}")).status_code == 404
    async with database.pool.acquire() as connection:
        emails = ["Ann@Example.com ", "ben@example.com"]
        hashes = EmailHashes.of(settings)
        assert await erased_among(connection, emails, hashes) == {"Ann@Example.com "}
        other_key = EmailHashes(["another key"])
        assert await erased_among(connection, emails, other_key) == set()
        rotated = EmailHashes(["another key", key_kept_in(settings.data_dir)])
        assert await erased_among(connection, emails, rotated) == {"Ann@Example.com "}
        stored = await connection.fetch("SELECT * FROM erasures")
    assert "ann" not in str(stored).lower()


async def test_unreachable_dotdigital_erases_nothing(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox
) -> None:
    account = await connected(api, database, sandbox)
    (contact_id,) = sandbox.control.add_contacts([{"identifiers": {"email": "ann@example.com"}}])
    person = await make_person(database)
    await make_link(database, account, person, contact_id=contact_id)
    sandbox.control.add_fault("status", method="DELETE", status=503, times=None)

    answer = await api.post(f"/v1/people/{person.id}/erase")

    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (
        502,
        "dotdigital-unreachable",
    )
    assert (await api.get(f"/v1/people/{person.id}")).status_code == 200
    assert await database.pool.fetchval("SELECT count(*) FROM erasures") == 0


async def test_contact_that_is_gone_already_is_fine(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox
) -> None:
    account = await connected(api, database, sandbox)
    person = await make_person(database)
    await make_link(database, account, person, contact_id=987_654)
    assert (await api.post(f"/v1/people/{person.id}/erase")).status_code == 204


async def test_contact_of_the_email_goes_even_without_a_link(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox
) -> None:
    await make_account_over_api(api, sandbox)
    sandbox.control.add_contacts([{"identifiers": {"email": "ann@example.com"}}])
    person = await make_person(database)
    assert (await api.post(f"/v1/people/{person.id}/erase")).status_code == 204
    assert not is_there(sandbox, "ann@example.com")


async def test_contact_of_somebody_with_the_same_email_stays_and_takes_over(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox
) -> None:
    account = await connected(api, database, sandbox)
    sandbox.control.add_contacts([{"identifiers": {"email": "ann@example.com"}}])
    person, other = await make_person(database), await make_person(database)
    await settle_everyone(database)
    assert (await api.post(f"/v1/people/{person.id}/erase")).status_code == 204
    assert is_there(sandbox, "ann@example.com")
    assert await due_people(database, account.id, "sibling") == [other.id]


async def test_whoever_was_merged_into_the_person_goes_along(
    api: httpx.AsyncClient, database: Database
) -> None:
    survivor, loser = await make_person(database), await make_person(database)
    await api.post(f"/v1/people/{loser.id}/merge", json={"into_id": survivor.id})
    assert (await api.post(f"/v1/people/{survivor.id}/erase")).status_code == 204
    assert await left_over(database) == {}


async def test_deleted_person_is_erased_too_and_nobody_twice(
    api: httpx.AsyncClient, database: Database
) -> None:
    person = await make_person(database)
    await api.delete(f"/v1/people/{person.id}")
    assert (await api.post(f"/v1/people/{person.id}/erase")).status_code == 204
    assert (await api.post(f"/v1/people/{person.id}/erase")).status_code == 404


async def test_person_in_flight_waits(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox
) -> None:
    account = await connected(api, database, sandbox)
    person = await make_person(database)
    await put_in_flight(database, account, person)
    answer = await api.post(f"/v1/people/{person.id}/erase")
    assert (answer.status_code, "in flight" in answer.json()["detail"]) == (409, True)
    assert sandbox.sandbox.calls.by_template.get("DELETE /contacts/v3/{identifier}/{value}", 0) == 0


async def test_account_with_bad_credentials_stands_in_the_way_of_a_linked_person_alone(
    api: httpx.AsyncClient, database: Database, sandbox: RunningSandbox
) -> None:
    account = await connected(api, database, sandbox)
    await database.pool.execute("UPDATE accounts SET state = 'bad_credentials'")
    linked, unlinked = await make_person(database), await make_person(database)
    await make_link(database, account, linked)
    assert (await api.post(f"/v1/people/{linked.id}/erase")).status_code == 422
    assert (await api.post(f"/v1/people/{unlinked.id}/erase")).status_code == 204
    with pytest.raises(UnknownError):
        sandbox.control.contact("ann@example.com")
