"""Consents: added over REST, told to each account with the person's record, once."""

from datetime import timedelta
from typing import Any

import httpx

from app.models import Account
from sandbox.server import RunningSandbox
from tests.clock import START
from tests.factories.engines import Replica
from tests.factories.people import make_person
from tests.integration.sync.traces import calls, due, link

GIVEN = {
    "text": "Send me the newsletter.",
    "consented_at": "2026-01-05T09:00:00Z",
    "url": "https://example.com/join",
    "ip_address": "203.0.113.7",
    "user_agent": "Mozilla/5.0",
}


async def consent(here: Replica, person_id: int, number: int = 1, **values: object) -> None:
    row = {
        **GIVEN,
        "text": f"Consent {number}",
        "consented_at": START + timedelta(days=number),
        **values,
    }
    await here.database.pool.execute(
        """INSERT INTO consents (person_id, text, consented_at, url, ip_address, user_agent)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        person_id,
        *(row[name] for name in GIVEN),
    )


def texts(sandbox: RunningSandbox, email: str = "ann@example.com") -> list[str]:
    return [each.text for each in sandbox.control.contact(email).consents or []]


async def test_consent_goes_along_with_a_new_contact_and_only_once(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await consent(here, person.id)
    await here.run(sandboxed, "send_people")
    assert texts(sandbox) == ["Consent 1"]
    await here.database.pool.execute("UPDATE people SET first_name = 'B'")
    await here.run(sandboxed, "send_people")
    assert texts(sandbox) == ["Consent 1"]


async def test_consent_alone_is_a_change_that_is_sent(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    await consent(here, person.id)
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["updated"], texts(sandbox)) == (1, ["Consent 1"])
    assert await due(here) == []
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, "send_people", "full")
    assert texts(sandbox) == ["Consent 1"]


async def test_more_consents_than_go_at_once_follow(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    for number in range(1, 13):
        await consent(here, person.id, number)
    await here.run(sandboxed, "send_people")
    assert sorted(texts(sandbox)) == sorted(f"Consent {number}" for number in range(1, 13))
    assert await due(here) == []


async def test_consent_that_dotdigital_refuses_is_a_failure_and_the_contact_stands(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await consent(here, person.id, ip_address="nowhere at all")
    run = await here.run(sandboxed, "send_people")
    stands = await link(here, person.id)
    assert stands is not None
    assert (run["counts"]["created"], run["counts"]["failed"]) == (1, 1)
    assert (stands["state"], stands["reason"]) == ("failed", "consentRecordsNotApplied")
    assert stands["contact_id"] == sandbox.control.contact("ann@example.com").id
    assert await due(here) == []
    before = calls(sandbox)
    await here.run(sandboxed, "send_people")
    assert calls(sandbox) == before


async def test_consents_over_rest(api: httpx.AsyncClient, here: Replica) -> None:
    person = await make_person(here.database)
    made = await api.post(f"/v1/people/{person.id}/consents", json=GIVEN)
    assert made.status_code == 201
    shown: dict[str, Any] = made.json()
    assert {**shown, **GIVEN} == shown
    assert shown["told"] == []
    page = (await api.get(f"/v1/people/{person.id}/consents")).json()
    assert page == {"items": [shown], "next_cursor": None}


async def test_consent_without_all_its_parts_is_refused(
    api: httpx.AsyncClient, here: Replica
) -> None:
    person = await make_person(here.database)
    for values in ({"ip_address": "here"}, {"text": " "}, {"url": None}, {"consented_at": "soon"}):
        refused = await api.post(f"/v1/people/{person.id}/consents", json={**GIVEN, **values})
        assert refused.status_code == 422, values
        assert refused.json()["errors"][0]["pointer"] == f"/body/{next(iter(values))}"
    assert (await api.post("/v1/people/999/consents", json=GIVEN)).status_code == 404
