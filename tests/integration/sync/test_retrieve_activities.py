"""retrieve_activities against the sandbox: what comes over, once, and what each run costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.activity_types import ACTIVITY_TYPES
from app.models import Account
from app.services.erasure import EmailHashes
from sandbox.server import RunningSandbox
from tests.factories.contact_links import make_link
from tests.factories.engines import Replica
from tests.factories.people import make_person
from tests.integration.sync.activity_traces import (
    NOON,
    activities,
    add_contacts,
    counted,
    freeze,
    mailshot,
    watermark,
)
from tests.integration.sync.traces import calls

JOB = "retrieve_activities"


async def choose(here: Replica, account: Account, *types: str) -> None:
    """Let these types alone come over."""
    chosen = ", ".join(f"{type_} = {type_ in types}" for type_ in ACTIVITY_TYPES)
    await here.database.pool.execute(
        f"UPDATE activity_settings SET {chosen} WHERE account_id = $1", account.id
    )


async def set_account(here: Replica, account: Account, **settings: Any) -> None:  # noqa: ANN401
    await here.database.pool.execute(
        "UPDATE accounts SET settings = settings || $2 WHERE id = $1", account.id, settings
    )


async def test_every_type_comes_over_with_its_details(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    control, ids = sandbox.control, add_contacts(sandbox, 4)
    document = control.documents.add()
    campaign = control.campaigns.add(document_ids=[document.id], tags=["spring"])
    control.campaigns.send(
        campaign.id,
        opens=[ids[1]],
        clicks=[ids[1]],
        page_views=[ids[1]],
        downloads=[ids[2]],
        soft_bounces=[ids[0]],
        unsubscribes=[ids[3]],
    )
    form = control.forms.add()
    control.forms.submit(form.id, "p3@example.com", {"Which class?": "Keelboat"})
    run = await here.run(sandboxed, JOB)

    once = dict.fromkeys(ACTIVITY_TYPES, 1)
    totals = {"mailshots": 1, "stored": 11, "duplicates": 0, "matched": 0}
    assert (run["status"], run["counts"]) == ("succeeded", {**once, "email_send": 4, **totals})
    rows = {row["type"]: row for row in await activities(here)}
    assert {row["occurred_at"] for row in rows.values()} == {datetime.fromisoformat(NOON)}
    assert rows["email_bounce"]["details"] == {"bounce_type": "soft", "dated_by": "send"}
    assert rows["email_unsubscribe"]["details"] == {"dated_by": "suppression"}
    assert rows["email_open"]["details"]["mail_client"] == "Apple Mail"
    assert rows["email_click"]["details"]["url"] == "https://www.harbour.example/events"
    assert rows["page_view"]["details"] == {"url": "https://www.harbour.example/events"}
    assert rows["download"]["details"]["url"] == document.url
    assert rows["download"]["contact_id"] == ids[2]
    assert rows["form_submission"]["details"] == {
        "form_id": form.id,
        "form": "Regatta sign-up",
        "response_id": 90001,
        "answers": [
            {"question": "Email address", "answer": "p3@example.com"},
            {"question": "Which class?", "answer": "Keelboat"},
        ],
    }
    copy = await mailshot(here, campaign.id)
    assert (copy["subject"], copy["from_name"]) == ("March news!", "Harbour Trust")
    assert copy["sent_at"] == datetime.fromisoformat(NOON)
    assert (copy["type"], copy["status"], copy["tags"]) == ("Standard", "Sent", ["spring"])
    assert copy["links"] == ["https://www.harbour.example/events", document.url]
    assert copy["counts"]["sent"] == 4
    assert copy["counts"]["clicks"] == 2
    assert copy["counts"]["soft_bounces"] == 1
    assert {row["mailshot_id"] for row in rows.values()} == {copy["id"], None}


async def test_a_second_reading_adds_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 5)
    campaign = sandbox.control.campaigns.add()
    # Seven opens by five contacts in one instant: two of them are equal to another.
    sandbox.control.campaigns.send(campaign.id, opens=7, clicks=6, page_views=3)
    await here.run(sandboxed, JOB)
    first = await activities(here)
    assert len(first) == 5 + 7 + 6 + 3
    for mode in ("changes", "full", "full"):
        run = await here.run(sandboxed, JOB, mode)
        assert (run["counts"]["stored"], run["counts"]["duplicates"]) == (0, 21)
    assert await activities(here) == first


async def test_real_rows_that_are_equal_all_count(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    (contact_id,) = add_contacts(sandbox, 1)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id, opens=[contact_id] * 3)
    await here.run(sandboxed, JOB)
    assert (await counted(here))["email_open"] == 3
    # One more in the very same instant, read behind the three that are known.
    sandbox.control.campaigns.act(campaign.id, contact_id, "open")
    await here.run(sandboxed, JOB)
    assert (await counted(here))["email_open"] == 4


async def test_only_campaigns_with_news_are_asked_and_only_for_what_is_new(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox, "2026-03-02T11:00:00Z")
    control, ids = sandbox.control, add_contacts(sandbox, 2)
    quiet, busy = control.campaigns.add("Quiet"), control.campaigns.add("Busy")
    for campaign in (quiet, busy):
        control.campaigns.send(campaign.id, opens=2, clicks=1)
    control.move_clock(to=NOON)
    await here.run(sandboxed, JOB)
    sandbox.sandbox.calls.clear()
    control.move_clock(advance_s=3600)
    control.campaigns.act(busy.id, ids[0], "open")
    run = await here.run(sandboxed, JOB)

    assert (run["counts"]["mailshots"], run["counts"]["stored"]) == (1, 1)
    assert calls(sandbox) == {
        "GET /v2/server-time": 1,
        "GET /v2/campaigns/with-activity-since/{date}": 1,
        "GET /v2/campaigns/metrics": 1,
        "GET /v2/campaigns/{campaignId}/summary": 1,
        "GET /v2/campaigns/{campaignId}/opens/since-date/{date}": 1,
        "GET /v2/surveys/with-activity-since/{date}": 1,
        "GET /insightData/v3/contacts/{collectionName}": 1,
    }
    assert (await mailshot(here, busy.id))["counts"]["opens"] == 3


async def test_a_campaign_of_thousands_costs_little_more_than_its_pages(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.campaigns.generate(rows=10_000, campaigns=1)
    run = await here.run(sandboxed, JOB)
    assert run["counts"]["stored"] == 10_000
    assert await counted(here) == {
        "email_click": 2000,
        "email_open": 3000,
        "email_send": 4000,
        "page_view": 1000,
    }
    # 900 new rows a page; a last page may hold nothing but what the one before it did.
    pages = calls(sandbox)
    assert pages["GET /v2/campaigns/{campaignId}/activities"] == 5
    assert pages["GET /v2/campaigns/{campaignId}/opens/since-date/{date}"] == 4
    assert pages["GET /v2/campaigns/{campaignId}/clicks/since-date/{date}"] == 3
    assert pages["GET /v2/campaigns/{campaignId}/page-views/since-date/{date}"] == 2


async def test_what_is_not_chosen_neither_comes_nor_costs(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    control, ids = sandbox.control, add_contacts(sandbox, 3)
    document = control.documents.add()
    campaign = control.campaigns.add(document_ids=[document.id])
    control.campaigns.send(
        campaign.id,
        opens=1,
        clicks=1,
        page_views=1,
        downloads=1,
        hard_bounces=[ids[0]],
        unsubscribes=[ids[1]],
    )
    control.forms.submit(control.forms.add().id, "p2@example.com")
    control.visit(ids[1], "https://www.harbour.example/")
    listings = {
        "activities": {"email_send", "email_bounce", "email_unsubscribe"},
        "opens": {"email_open"},
        "clicks": {"email_click", "download"},
        "page-views": {"page_view"},
        "surveys": {"form_submission"},
        "insightData": {"page_view"},
    }
    for type_ in ACTIVITY_TYPES:
        await choose(here, sandboxed, type_)
        await here.database.pool.execute("DELETE FROM online_activities")
        sandbox.sandbox.calls.clear()
        await here.run(sandboxed, JOB, "full")

        assert await counted(here) == {type_: {"email_send": 3, "page_view": 2}.get(type_, 1)}
        asked = " ".join(calls(sandbox))
        assert {name for name in listings if f"/{name}" in asked} == {
            name for name, types in listings.items() if type_ in types
        }


async def test_with_nothing_chosen_nothing_is_asked(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await choose(here, sandboxed)
    run = await here.run(sandboxed, JOB)
    assert (run["status"], calls(sandbox)) == ("succeeded", {})


async def test_whoever_is_linked_is_matched_at_once_and_by_email_otherwise(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    ids = add_contacts(sandbox, 3)
    linked = await make_person(here.database, email="elsewhere@example.com")
    await make_link(here.database, sandboxed, linked, contact_id=ids[0])
    named = await make_person(here.database, email="P2@Example.com")
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id)
    run = await here.run(sandboxed, JOB)
    assert run["counts"]["matched"] == 2
    whose = {
        row["contact_id"]: (row["person_id"], row["matched_by"]) for row in await activities(here)
    }
    assert whose == {
        ids[0]: (linked.id, "contact"),
        ids[1]: (named.id, "email"),
        ids[2]: (None, None),
    }
    queued = await here.database.pool.fetch("SELECT job FROM runs WHERE status = 'queued'")
    assert [row["job"] for row in queued] == ["match_activities"]


async def test_of_several_with_one_email_the_linked_one_is_meant(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    await make_person(here.database, email="p1@example.com")
    linked = await make_person(here.database, email="p1@example.com")
    await make_link(here.database, sandboxed, linked, contact_id=99)
    sandbox.control.forms.submit(sandbox.control.forms.add().id, "P1@example.com")
    await here.run(sandboxed, JOB)
    (row,) = await activities(here)
    assert (row["person_id"], row["matched_by"]) == (linked.id, "email")
    assert await here.database.pool.fetchval("SELECT count(*) FROM runs WHERE status='queued'") == 0


async def test_whoever_was_erased_here_does_not_come_back_by_an_activity(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    add_contacts(sandbox, 2)
    sandbox.control.campaigns.send(sandbox.control.campaigns.add().id)
    (erased,) = EmailHashes.of(here.settings).all_of("P1@example.com")
    await here.database.pool.execute(
        "INSERT INTO erasures (email_hash, erased_at) VALUES ($1, now())", erased
    )
    run = await here.run(sandboxed, JOB)
    assert (run["counts"]["stored"], run["counts"]["skipped"]) == (1, 1)
    assert [row["email"] for row in await activities(here)] == ["p2@example.com"]
    # A new person with that address is somebody that we may know of.
    await make_person(here.database, email="p1@example.com")
    assert (await here.run(sandboxed, JOB))["counts"]["stored"] == 1


@pytest.mark.parametrize(
    "since, stored",
    [
        pytest.param(None, 2, id="ninety days back by default"),
        pytest.param("2026-02-20T00:00:00Z", 1, id="from the account's setting"),
        pytest.param("2025-10-01T00:00:00Z", 3, id="further back than by default"),
    ],
)
async def test_the_first_reading_begins_where_the_account_says(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, since: str | None, stored: int
) -> None:
    sandbox.control.move_clock(to="2025-11-01T12:00:00Z", frozen=True)
    (contact_id,) = add_contacts(sandbox, 1)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id)
    for at in ("2026-02-01T12:00:00Z", NOON):
        sandbox.control.move_clock(to=at)
        sandbox.control.campaigns.act(campaign.id, contact_id, "open")
    await set_account(here, sandboxed, activities_since=since)
    run = await here.run(sandboxed, JOB)
    assert run["counts"]["stored"] == stored

    # Further back by and by: what was left out comes then.
    await set_account(here, sandboxed, activities_since="2025-01-01T00:00:00Z")
    await here.run(sandboxed, JOB)
    assert await counted(here) == {"email_open": 2, "email_send": 1}


async def test_watermark_stands_by_dotdigitals_clock_and_is_overlapped(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    ids = add_contacts(sandbox, 2)
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id)
    await here.run(sandboxed, JOB)
    stands = await watermark(here)
    assert stands is not None
    assert stands["position"] == datetime.fromisoformat(NOON)
    # Written down late: it happened before the first reading, and the listing shows it only now.
    sandbox.control.move_clock(advance_s=300)
    sandbox.control.campaigns.act(campaign.id, ids[0], "open", at="2026-03-02T12:00:00Z")
    await here.run(sandboxed, JOB)
    assert (await counted(here))["email_open"] == 1
    stands = await watermark(here)
    assert stands is not None
    assert stands["position"] == datetime.fromisoformat(NOON) + timedelta(minutes=5)


async def test_dry_run_says_what_would_come_and_writes_nothing(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    ids = add_contacts(sandbox, 3)
    person = await make_person(here.database, email="p1@example.com")
    await make_link(here.database, sandboxed, person, contact_id=ids[0])
    campaign = sandbox.control.campaigns.add()
    sandbox.control.campaigns.send(campaign.id, opens=4)
    dry = await here.run(sandboxed, JOB, "dry_run")
    assert (await counted(here), await watermark(here)) == ({}, None)
    for table in ("mailshots", "activity_matching", "watermarks"):
        assert await here.database.pool.fetchval(f"SELECT count(*) FROM {table}") == 0
    real = await here.run(sandboxed, JOB)
    assert dry["counts"] == real["counts"]
    again = await here.run(sandboxed, JOB, "dry_run")
    assert (again["counts"]["stored"], again["counts"]["duplicates"]) == (0, 7)


async def test_sends_are_read_whole_where_being_sent_to_is_no_activity(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    sandbox.control.set_settings({"sends_are_activity": False})
    freeze(sandbox)
    ids = add_contacts(sandbox, 4)
    campaign = sandbox.control.campaigns.add(type_="Triggered")
    sandbox.control.campaigns.send(campaign.id, contacts=ids[:2], opens=[ids[0]])
    await here.run(sandboxed, JOB)
    assert await counted(here) == {"email_open": 1, "email_send": 2}
    # Two more get it, and only an old recipient does anything.
    sandbox.control.move_clock(advance_s=3600)
    for contact_id in ids[2:]:
        sandbox.control.campaigns.act(campaign.id, contact_id, "send")
    sandbox.control.campaigns.act(campaign.id, ids[0], "open")
    await here.run(sandboxed, JOB)
    assert await counted(here) == {"email_open": 2, "email_send": 4}
    sandbox.control.move_clock(advance_s=3600)
    sandbox.control.campaigns.act(campaign.id, ids[1], "open")
    sandbox.sandbox.calls.clear()
    await here.run(sandboxed, JOB)
    assert "GET /v2/campaigns/{campaignId}/activities" not in calls(sandbox)


async def test_a_second_send_of_a_triggered_campaign_is_another_activity(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    (contact_id,) = add_contacts(sandbox, 1)
    campaign = sandbox.control.campaigns.add(type_="Triggered")
    sandbox.control.campaigns.send(campaign.id)
    sandbox.control.campaigns.act(campaign.id, contact_id, "soft_bounce")
    await here.run(sandboxed, JOB)
    sandbox.control.move_clock(advance_s=86_400)
    sandbox.control.campaigns.act(campaign.id, contact_id, "send")
    await here.run(sandboxed, JOB)
    # The row still says that it bounced: that is the bounce which is known.
    assert await counted(here) == {"email_bounce": 1, "email_send": 2}


async def test_a_form_counts_once_it_is_complete(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    form = sandbox.control.forms.add()
    begun = sandbox.control.forms.submit(form.id, "p1@example.com", complete=False)
    await here.run(sandboxed, JOB)
    assert await counted(here) == {}
    sandbox.control.move_clock(advance_s=60)
    sandbox.control.forms.submit(form.id, response_id=begun.id)
    await here.run(sandboxed, JOB)
    await here.run(sandboxed, JOB)
    (row,) = await activities(here)
    assert row["occurred_at"] == datetime(2026, 3, 2, 12, 1, tzinfo=UTC)


async def test_visits_of_the_web_site_come_without_a_mailshot(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    (contact_id,) = add_contacts(sandbox, 1)
    for page in ("a", "b"):
        sandbox.control.visit(contact_id, f"https://www.harbour.example/{page}")
    await here.run(sandboxed, JOB)
    await here.run(sandboxed, JOB)
    rows = await activities(here, "page_view")
    assert [row["details"]["url"][-1] for row in rows] == ["a", "b"]
    assert {(row["contact_id"], row["mailshot_id"]) for row in rows} == {(contact_id, None)}


async def test_an_account_without_site_tracking_is_asked_once_a_day(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    visits = "GET /insightData/v3/contacts/{collectionName}"
    sandbox.control.add_fault("status", path="/insightData/*", status=404, times=None)
    for _ in range(2):
        assert (await here.run(sandboxed, JOB))["status"] == "succeeded"
    assert calls(sandbox)[visits] == 1
    sandbox.control.move_clock(advance_s=90_000)
    await here.run(sandboxed, JOB)
    assert calls(sandbox)[visits] == 2


async def test_documents_are_listed_again_only_after_another_campaign(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    freeze(sandbox)
    folders = "GET /v2/document-folders"
    (contact_id,) = add_contacts(sandbox, 1)
    control = sandbox.control

    async def send(file_name: str) -> int:
        control.move_clock(advance_s=3600)
        document = control.documents.add(file_name)
        campaign = control.campaigns.add(document_ids=[document.id])
        control.campaigns.send(campaign.id, downloads=[contact_id])
        await here.run(sandboxed, JOB)
        return campaign.id

    first = await send("film.mp4")
    control.move_clock(advance_s=3600)
    control.campaigns.act(first, contact_id, "click")
    await here.run(sandboxed, JOB)
    assert calls(sandbox)[folders] == 1
    await send("song.mp3")
    assert calls(sandbox)[folders] == 2
    assert await counted(here) == {"download": 2, "email_click": 1, "email_send": 2}
