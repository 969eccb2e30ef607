"""retrieve_activities where Dotdigital, the network or the replica gets in the way."""

import asyncio
from collections import Counter

import pytest

from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.engines import Replica, replica
from tests.integration.sync.activity_traces import (
    activities,
    add_contacts,
    counted,
    freeze,
    mailshot,
    noted,
    watermark,
)
from tests.integration.sync.traces import calls

JOB = "retrieve_activities"
OPENS = "/v2/campaigns/*/opens/*"
CLICKS = "/v2/campaigns/*/clicks/*"
RECIPIENTS = "/v2/campaigns/*/activities*"


async def keys(here: Replica) -> Counter[bytes]:
    return Counter(row["activity_key"] for row in await activities(here))


async def test_rows_without_their_contact_are_kept_and_get_it_later(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    ids = add_contacts(sandbox, 3)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id, opens=3)
    sandbox.control.add_fault("spoilt_rows", path=OPENS, rows=2, spoil="no_contact_id")
    await here.run(sandboxed, JOB)
    rows = await activities(here, "email_open")
    assert [row["contact_id"] is None for row in rows].count(True) == 2
    assert {row["email"] for row in rows} == {f"p{n}@example.com" for n in (1, 2, 3)}

    # Read whole, they are the same activities.
    await here.run(sandboxed, JOB)
    rows = await activities(here, "email_open")
    assert sorted(row["contact_id"] for row in rows) == ids
    await here.run(sandboxed, JOB, "full")
    assert (await counted(here))["email_open"] == 3

    # And spoilt once more, they are still the same.
    sandbox.control.add_fault("spoilt_rows", path=OPENS, rows=3, spoil="no_contact_id")
    await here.run(sandboxed, JOB)
    assert (await counted(here))["email_open"] == 3


async def test_rows_without_an_address_or_in_capitals_are_the_same(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 2)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id, opens=2)
    for spoil in ("no_email", "email_case"):
        sandbox.control.add_fault("spoilt_rows", path=OPENS, rows=2, spoil=spoil)
        await here.run(sandboxed, JOB)
    assert (await counted(here))["email_open"] == 2


async def test_a_malformed_date_stops_no_other_row_and_is_noted(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    ids = add_contacts(sandbox, 3)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id, opens=3, clicks=2)
    sandbox.control.add_fault("spoilt_rows", path=OPENS, spoil="malformed_date")
    run = await here.run(sandboxed, JOB)
    assert (run["status"], run["counts"]["failed"]) == ("partial", 1)
    assert await counted(here) == {"email_click": 2, "email_open": 2, "email_send": 3}
    (note,) = await noted(here, "rows_without_a_date")
    assert (note["source"], note["source_id"]) == ("campaign", campaign.id)
    assert note["types"] == {"email_open": 1}
    assert note["examples"][0]["contact_id"] in ids
    assert note["examples"][0]["date"].startswith("2020-01-021T")

    # It heals by itself once its date can be read.
    run = await here.run(sandboxed, JOB)
    assert (run["status"], (await counted(here))["email_open"]) == ("succeeded", 3)


async def test_an_unknown_campaign_is_passed_over(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 1)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id, opens=1)
    sandbox.control.add_fault("unknown_campaign", path="/v2/campaigns/with-activity-since/*")
    run = await here.run(sandboxed, JOB)
    assert (run["status"], run["counts"]["mailshots"]) == ("succeeded", 1)
    assert await noted(here, "campaign_gone") == [{"campaign_id": 99_999_999}]
    assert await counted(here) == {"email_open": 1, "email_send": 1}


async def test_a_campaign_that_is_deleted_while_it_is_read_stops_no_other(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 2)
    doomed, other = (sandbox.control.campaigns.add(name) for name in ("Doomed", "Other"))
    for campaign in (doomed, other):
        sandbox.control.campaigns.send(campaign.id, opens=2)
    body = {"message": "Error: CAMPAIGN_NOT_FOUND"}
    sandbox.control.add_fault(
        "status", path=f"/v2/campaigns/{doomed.id}/opens/*", status=404, body=body, times=None
    )
    run = await here.run(sandboxed, JOB)
    assert (run["status"], run["counts"]["mailshots"]) == ("succeeded", 2)
    assert await noted(here, "campaign_gone") == [{"campaign_id": doomed.id}]
    # What was read of it is kept.
    assert await counted(here) == {"email_open": 2, "email_send": 4}


async def test_a_campaign_that_cannot_be_read_is_read_from_there_the_next_time(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 2)
    broken, other = (sandbox.control.campaigns.add(name) for name in ("Broken", "Other"))
    for campaign in (broken, other):
        sandbox.control.campaigns.send(campaign.id, opens=2)
    fault = sandbox.control.add_fault(
        "status", path=f"/v2/campaigns/{broken.id}/opens/*", status=200, body="[1]", times=None
    )
    run = await here.run(sandboxed, JOB)
    assert (run["status"], run["counts"]["failed"]) == ("partial", 1)
    assert (await noted(here, "could_not_be_read"))[0]["source_id"] == broken.id
    assert await counted(here) == {"email_open": 2, "email_send": 4}
    assert (await mailshot(here, broken.id))["behind_since"] is not None

    # Long past every overlap, and without anything new in it.
    sandbox.sandbox.faults.remove(fault.id)
    sandbox.control.move_clock(advance_s=86_400)
    run = await here.run(sandboxed, JOB)
    assert run["status"] == "succeeded"
    assert await counted(here) == {"email_open": 4, "email_send": 4}
    assert (await mailshot(here, broken.id))["behind_since"] is None


async def test_pages_that_are_given_twice_count_once(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 4)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id, opens=6, clicks=4, page_views=4)
    sandbox.control.add_fault("duplicates", path="/v2/campaigns/*", times=None)
    await here.run(sandboxed, JOB)
    # Two of the six opens equal another: told from given twice by what Dotdigital counts, and
    # where that is in doubt they wait for a reading that is clean.
    assert await counted(here) == {
        "email_click": 4,
        "email_open": 4,
        "email_send": 4,
        "page_view": 4,
    }
    sandbox.sandbox.faults.remove()
    await here.run(sandboxed, JOB)
    assert await counted(here) == {
        "email_click": 4,
        "email_open": 6,
        "email_send": 4,
        "page_view": 4,
    }


@pytest.mark.parametrize(
    "kind, rows", [("repeated_rows", 40), ("repeated_rows", 150), ("skipped_rows", 90)]
)
async def test_pages_that_shift_lose_and_double_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, kind: str, rows: int
) -> None:
    sandbox.control.set_settings({"activity_order": "scrambled"})
    sandbox.control.campaigns.generate(rows=8000, campaigns=1)
    sandbox.control.add_fault(kind, path=OPENS, rows=rows, after=1)
    sandbox.control.add_fault(kind, path=RECIPIENTS, rows=rows, after=1)
    sandbox.control.add_fault(kind, path=CLICKS, rows=rows, after=1)
    await here.run(sandboxed, JOB)
    assert await counted(here) == {
        "email_click": 1600,
        "email_open": 2400,
        "email_send": 3200,
        "page_view": 800,
    }


async def test_429_and_a_cut_off_answer_in_the_middle_are_tried_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.campaigns.generate(rows=5000, campaigns=1)
    sandbox.control.add_fault("status", path=OPENS, after=1, status=429, body={})
    sandbox.control.add_fault("truncated", path=RECIPIENTS, after=1)
    sandbox.control.add_fault("reset", path=CLICKS)
    run = await here.run(sandboxed, JOB)
    assert (run["status"], run["counts"]["stored"]) == ("succeeded", 5000)


async def test_a_run_that_fails_keeps_what_it_read_and_the_next_goes_on_there(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 3)
    done, failing = (sandbox.control.campaigns.add(name) for name in ("Done", "Failing"))
    for campaign in (done, failing):
        sandbox.control.campaigns.send(campaign.id, opens=3)
    fault = sandbox.control.add_fault(
        "status", path=f"/v2/campaigns/{failing.id}/opens/*", status=503, times=None
    )
    run = await here.run(sandboxed, JOB)
    assert run["status"] == "failed"
    assert await counted(here) == {"email_open": 3, "email_send": 6}
    stands = await watermark(here)
    assert stands is not None
    assert stands["position"] is None
    assert stands["detail"]["reading"]["source_id"] == failing.id

    sandbox.sandbox.faults.remove(fault.id)
    sandbox.sandbox.calls.clear()
    await here.database.pool.execute("UPDATE accounts SET state = 'ok'")
    here.clock.advance(600)  # type: ignore[attr-defined]
    run = await here.run(sandboxed, JOB)
    assert run["status"] == "succeeded"
    assert await counted(here) == {"email_open": 6, "email_send": 6}
    assert calls(sandbox)["GET /v2/campaigns/{campaignId}/summary"] == 1, "the first one is done"
    stands = await watermark(here)
    assert stands is not None
    assert "reading" not in stands["detail"]


async def test_another_replica_goes_on_in_the_middle_of_a_campaign(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sync.activities.activity_store._BATCH", 500)
    sandbox.control.campaigns.generate(rows=8000, campaigns=1)
    sandbox.control.add_fault("latency", path=OPENS, after=1, seconds=30, times=1)
    run_id = await here.trigger(sandboxed, JOB)
    first = asyncio.ensure_future(here.engine.execute(run_id))
    for _ in range(1000):
        if (await counted(here)).get("email_open", 0) >= 500:
            break
        await asyncio.sleep(0.02)
    sandbox.sandbox.calls.clear()
    async with replica(here.database, here.clock, here.settings) as other:
        await other.engine.execute(run_id)
        row = await other.row(run_id)
    assert (row["status"], row["attempt"]) == ("succeeded", 2)
    assert sum((await counted(here)).values()) == 8000
    asked = calls(sandbox)
    assert "GET /v2/campaigns/{campaignId}/activities" not in asked, "the recipients are done"
    assert asked["GET /v2/campaigns/{campaignId}/opens/since-date/{date}"] <= 3
    sandbox.control.move_clock(advance_s=60)
    await first
    assert sum((await counted(here)).values()) == 8000
    assert max((await keys(here)).values()) == 1


async def test_cancelling_stops_between_two_batches(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sync.activities.activity_store._BATCH", 500)
    sandbox.control.campaigns.generate(rows=4000, campaigns=2)
    run_id = await here.trigger(sandboxed, JOB)
    await here.database.pool.execute("UPDATE runs SET cancel_requested_at = now()")
    await here.engine.execute(run_id)
    assert (await here.row(run_id))["status"] == "cancelled"
    stored = sum((await counted(here)).values())
    assert 0 < stored < 4000
    run = await here.run(sandboxed, JOB)
    assert run["status"] == "succeeded"
    assert sum((await counted(here)).values()) == 4000


async def test_an_account_without_forms_or_metrics_is_read_all_the_same(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 2)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id, opens=2)
    sandbox.control.add_fault(
        "status", path="/v2/surveys/*", status=403, body={"message": "FEATURENOTACTIVE"}, times=None
    )
    sandbox.control.add_fault(
        "status", path="/v2/campaigns/metrics", status=400, body={"message": "no"}, times=None
    )
    run = await here.run(sandboxed, JOB)
    assert run["status"] == "succeeded"
    assert await counted(here) == {"email_open": 2, "email_send": 2}


async def test_texts_that_postgres_cannot_hold_stop_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    ids = add_contacts(sandbox, 1)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id)
    sandbox.control.campaigns.act(campaign.id, ids[0], "click", url="https://a.example/\x00b")
    run = await here.run(sandboxed, JOB)
    assert run["status"] == "succeeded"
    (click,) = await activities(here, "email_click")
    assert click["details"]["url"] == "https://a.example/b"
    await here.run(sandboxed, JOB)
    assert (await counted(here))["email_click"] == 1
