"""A dry run of send_people says for whom it would do what, and why."""

from typing import Any

import httpx

from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person
from tests.integration.sync.traces import calls


async def rehearsal(api: httpx.AsyncClient, run_id: int) -> dict[str, dict[str, Any]]:
    answer = await api.get(f"/v1/runs/{run_id}/rehearsal")
    assert answer.status_code == 200, answer.text
    return {each["what"]: each for each in answer.json()["items"]}


async def test_dry_run_names_the_people_and_the_reasons(
    api: httpx.AsyncClient, here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.add_data_field("BORN", "Date")
    await make_mapping(
        here.database,
        sandboxed,
        person_field="custom.born",
        dotdigital_field="BORN",
        data_field_type="Date",
    )
    changed, opted_out, deleted = await make_people(here.database, 3)
    await here.run(sandboxed, "send_people")
    sandbox.sandbox.calls.clear()
    await api.patch(f"/v1/people/{changed.id}", json={"first_name": "Bea"})
    await api.patch(f"/v1/people/{opted_out.id}", json={"no_email": True})
    await api.delete(f"/v1/people/{deleted.id}")
    new = await make_person(here.database, external_ref="C-1")
    blank = await make_person(here.database, email=None)
    sharer = await make_person(here.database, email=opted_out.email)
    bad = await make_person(here.database, email="bad@x.example", custom={"born": "1 May"})
    unknown = await make_person(here.database, email="un@x.example", no_email=True)

    run = await here.run(sandboxed, "send_people", "dry_run")
    assert run["counts"]["suppressed"] == 2
    would = await rehearsal(api, run["id"])
    named = {what: [each["person_id"] for each in kind["named"]] for what, kind in would.items()}
    assert named == {
        "create": [new.id],
        "update": [changed.id],
        "suppress": [opted_out.id, unknown.id],
        "delete": [deleted.id],
        "skip": [blank.id, sharer.id, unknown.id],
        "fail": [bad.id],
    }
    assert would["create"]["named"][0] == {
        "person_id": new.id,
        "email": "ann@example.com",
        "external_ref": "C-1",
        "reason": None,
        "detail": None,
    }
    without_email, of_other, _ = would["skip"]["named"]
    assert (without_email["reason"], of_other["reason"]) == ("blank_email", "no_email")
    assert f"person {opted_out.id}, who has the same email" in of_other["detail"]
    (failing,) = would["fail"]["named"]
    assert failing["reason"] == "value_mismatch"
    assert failing["detail"].startswith(
        "custom.born for BORN (Date): the value is not a date: write it like 2026-01-31"
    )
    assert calls(sandbox) == {}


async def test_dry_run_names_a_hundred_of_each_kind_and_keeps_nothing_personal(
    api: httpx.AsyncClient, here: Replica, sandboxed: Account
) -> None:
    await make_people(here.database, 120)
    run = await here.run(sandboxed, "send_people", "dry_run")
    kind = (await rehearsal(api, run["id"]))["create"]
    assert (kind["people"], len(kind["named"])) == (120, 100)
    kept = await here.database.pool.fetchval(
        "SELECT string_agg(detail::text, ' ') FROM run_events WHERE run_id = $1", run["id"]
    )
    assert "@example.com" not in kept


async def test_other_runs_have_no_rehearsal(
    api: httpx.AsyncClient, here: Replica, sandboxed: Account
) -> None:
    run = await here.run(sandboxed, "send_people")
    assert (await api.get(f"/v1/runs/{run['id']}/rehearsal")).status_code == 409
    assert (await api.get("/v1/runs/999/rehearsal")).status_code == 404
