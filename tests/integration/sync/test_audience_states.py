"""Whom a suppression audience had suppressed shows as that, with the list that did it."""

from typing import Any

import httpx
import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_person
from tests.integration.sync.list_traces import set_state


async def shown(api: httpx.AsyncClient, person_id: int) -> dict[str, Any]:
    (item,) = (await api.get(f"/v1/people/{person_id}/sync")).json()["items"]
    found: dict[str, Any] = item
    return found


async def in_state(api: httpx.AsyncClient, state: str) -> list[int]:
    answer = await api.get("/v1/people", params={"sync_status": state})
    return [each["id"] for each in answer.json()["items"]]


@pytest.mark.usefixtures("sandbox")
async def test_whom_an_audience_suppressed_counts_as_suppressed_until_brought_back(
    here: Replica, sandboxed: Account, api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    person = await make_person(here.database)
    await here.run(sandboxed, "send_people")
    audience = await make_list(
        here.database,
        sandboxed,
        name="Complainers",
        entry_action="unsubscribe",
        resubscribe_mode="no_challenge",
    )
    await make_members(here.database, audience, [person])
    await here.run(sandboxed, "send_lists")

    standing = await shown(api, person.id)
    assert (standing["state"], standing["account_status"]) == ("suppressed", "suppressed")
    (told,) = [each["detail"] for each in standing["conditions"] if not each["holds"]]
    assert f"list {audience.id} (Complainers; resubscribe_mode no_challenge)" in told
    assert (await in_state(api, "suppressed"), await in_state(api, "synced")) == ([person.id], [])
    summary = (await api.get(f"/v1/accounts/{sandboxed.id}/sync-summary")).json()
    assert [(each["state"], each["reason"], each["people"]) for each in summary["states"]] == [
        ("suppressed", "suppressed_there", 1)
    ]

    await set_state(here, audience, [person], "leaving")
    await here.run(sandboxed, "send_lists")
    assert [each.email_status for each in sandbox.account.contacts] == ["subscribed"]
    assert (await shown(api, person.id))["state"] == "synced"
    assert await in_state(api, "suppressed") == []
