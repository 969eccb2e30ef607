"""`/v1/accounts/{id}/sync-summary`: the sum agrees with every single person, and says why."""

from collections import Counter
from datetime import timedelta
from typing import Any

import httpx

from app.db import Database
from tests.clock import START
from tests.factories.accounts import make_account
from tests.factories.contact_links import make_link, settle_everyone
from tests.factories.failures import make_failure
from tests.factories.people import make_people, make_person, put_in_flight


async def summary(api: httpx.AsyncClient, account_id: int) -> dict[str, Any]:
    answer = await api.get(f"/v1/accounts/{account_id}/sync-summary")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def counts(shown: dict[str, Any]) -> dict[tuple[str, str | None], int]:
    return {(each["state"], each["reason"]): each["people"] for each in shown["states"]}


async def test_who_waits_fails_or_flies_is_counted_as_the_person_shows_it(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    people = await make_people(database, 6)
    synced, changed, flying, unlinked, failed, held = people
    for person in (synced, changed, flying):
        await make_link(database, account, person)
    # As it is after its contact was lost there: the link says one thing, the failure another.
    await make_link(database, account, failed, contact_id=None, state="unlinked")
    await make_link(
        database, account, held, contact_id=None, state="not_eligible", reason="blank_email"
    )
    await settle_everyone(database)
    await put_in_flight(database, account, flying)
    await make_failure(database, account, failed)
    for person in (changed, unlinked):
        await api.patch(f"/v1/people/{person.id}", json={"city": "Leeds"})

    shown = await summary(api, account.id)
    assert counts(shown) == {
        ("pending", None): 3,
        ("synced", None): 1,
        ("failed", "invalidEmail"): 1,
        ("not_eligible", "blank_email"): 1,
    }
    singly = Counter[str]()
    for person in people:
        (item,) = (await api.get(f"/v1/people/{person.id}/sync")).json()["items"]
        singly[item["state"]] += 1
    by_state = Counter[str]()
    for each in shown["states"]:
        by_state[each["state"]] += each["people"]
    assert by_state == singly


async def test_linked_people_who_are_not_mailed_have_a_reason(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    statuses = {"out@x.example": "suppressed", "bounced@x.example": "HardBounced"}
    for email, status in {**statuses, "asked@x.example": "pendingOptIn"}.items():
        person = await make_person(database, email=email, no_email=email.startswith("out"))
        await make_link(database, account, person, state="suppressed", account_status=status)
    sharer = await make_person(database, email="OUT@x.example")
    await make_link(database, account, sharer, state="suppressed", account_status="suppressed")
    await settle_everyone(database)

    shown = await summary(api, account.id)
    assert counts(shown) == {
        ("suppressed", "no_email"): 2,
        ("suppressed", "opt_in_pending"): 1,
        ("suppressed", "suppressed_there"): 1,
    }
    sentences = {each["reason"]: each["sentence"] for each in shown["states"]}
    assert sentences["no_email"].startswith("no_email is true for the person")
    assert "set no_email to false" in sentences["no_email"]
    await api.patch(f"/v1/people/{sharer.id}", json={"city": "Leeds"})
    assert counts(await summary(api, account.id))[("suppressed", "no_email")] == 1


async def test_due_are_those_whom_the_next_run_looks_at(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    _, flying, later, held = await make_people(database, 4)
    await put_in_flight(database, account, flying)
    for person, at in ((later, START + timedelta(minutes=5)), (held, None)):
        await database.pool.execute(
            "UPDATE person_changes SET next_attempt_at = coalesce($2, 'infinity'::timestamptz) "
            "WHERE person_id = $1",
            person.id,
            at,
        )
    shown = await summary(api, account.id)
    assert (shown["due"], shown["retry_later"], shown["waiting_for_change"]) == (1, 1, 1)
    assert counts(shown) == {("pending", None): 4}


async def test_whoever_lost_the_contact_is_counted_with_the_reason(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    person = await make_person(database)
    await make_link(database, account, person, contact_id=None, state="unlinked")
    await settle_everyone(database)
    shown = await summary(api, account.id)
    assert counts(shown) == {("unlinked", "unlinked"): 1}
    assert "nobody is made again by that alone. To have a new" in shown["states"][0]["sentence"]
    await api.patch(f"/v1/people/{person.id}", json={"city": "Leeds"})
    assert counts(await summary(api, account.id)) == {("pending", None): 1}
