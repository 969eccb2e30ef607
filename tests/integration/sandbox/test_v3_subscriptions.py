"""v3 of the sandbox: unsubscribing, suppressing and coming back, by PATCH and by import."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v3_calls import (
    V3,
    Json,
    calling_v3,
    codes,
    email_status,
    entry,
)


@pytest.fixture
async def v3() -> AsyncIterator[V3]:
    async with calling_v3() as v3:
        yield v3


def _status(contact: Json) -> tuple[str, str]:
    return contact["status"], contact["channelProperties"]["email"]["status"]


@pytest.mark.parametrize(
    "channels,status",
    [
        pytest.param({}, "subscribed", id="subscribed unless something is said"),
        pytest.param(email_status("subscribed"), "subscribed", id="subscribed"),
        pytest.param(email_status("unsubscribed"), "unsubscribed", id="unsubscribed"),
        pytest.param(email_status("suppressed"), "suppressed", id="suppressed"),
        pytest.param(
            {"email": {"optInType": "verifiedDouble"}}, "pendingOptIn", id="verified double opt-in"
        ),
        pytest.param(
            {"email": {"optInType": "verifiedDouble", "status": "unsubscribed"}},
            "unsubscribed",
            id="verified double opt-in of who left",
        ),
    ],
)
async def test_new_contact_starts_with_a_status(v3: V3, channels: Json, status: str) -> None:
    made = await v3.import_one(channelProperties=channels)
    assert _status(made) == (status, status)
    assert len(v3.account.suppressions) == (status in {"unsubscribed", "suppressed"})


async def test_account_that_enforces_double_opt_in_makes_everybody_wait(v3: V3) -> None:
    v3.control.set_settings({"double_opt_in": True})
    assert _status(await v3.import_one()) == ("pendingOptIn", "pendingOptIn")
    v3.control.resubscribe("ann@b.example")
    assert _status(await v3.get("email/ann@b.example")) == ("subscribed", "subscribed")


@pytest.mark.parametrize("asked", ["unsubscribed", "suppressed"])
async def test_status_takes_a_contact_off(v3: V3, asked: str) -> None:
    await v3.import_one()
    assert _status(await v3.import_one(channelProperties=email_status(asked))) == (asked, asked)
    [suppression] = v3.account.suppressions.since(0)
    assert suppression.reason == asked.capitalize()


async def test_contact_without_a_status_in_the_call_keeps_its_own(v3: V3) -> None:
    await v3.import_one()
    v3.control.hard_bounce("ann@b.example")
    report = await v3.imported(entry(dataFields={"FIRSTNAME": "Ann"}))
    assert len(report["updated"]) == 1
    assert report["summary"]["updatedContacts"] == 1
    contact = await v3.get("email/ann@b.example")
    assert contact["dataFields"]["FIRSTNAME"] == "Ann"
    assert _status(contact) == ("suppressed", "hardBounced")


async def test_first_reason_stays(v3: V3) -> None:
    await v3.import_one()
    v3.control.hard_bounce("ann@b.example")
    contact = await v3.import_one(channelProperties=email_status("unsubscribed"))
    assert _status(contact) == ("suppressed", "hardBounced")


@pytest.mark.parametrize(
    "options,double_opt_in,status",
    [
        pytest.param({}, False, "subscribed", id="at once unless a challenge is asked for"),
        pytest.param(
            {"resubscribeWithNoChallenge": True}, False, "subscribed", id="with no challenge"
        ),
        pytest.param(
            {"resubscribeWithNoChallenge": False, "preferredLocale": "en-EN"},
            False,
            "unsubscribed",
            id="challenged, off until it answers",
        ),
        pytest.param({}, True, "unsubscribed", id="challenged by an account's double opt-in"),
    ],
)
async def test_subscribed_brings_a_contact_back_as_the_options_say(
    v3: V3, options: dict[str, object], double_opt_in: bool, status: str
) -> None:
    await v3.import_one()
    v3.control.unsubscribe("ann@b.example")
    v3.control.set_settings({"double_opt_in": double_opt_in})
    contact = await v3.import_one(channelProperties=email_status("subscribed", **options))
    assert _status(contact) == (status, status)
    assert len(v3.account.suppressions) == (status == "unsubscribed")


async def test_challenged_contact_comes_back_when_it_answers(v3: V3) -> None:
    await v3.import_one()
    v3.control.unsubscribe("ann@b.example")
    wish = email_status("subscribed", resubscribeWithNoChallenge=False)
    await v3.patch("email/ann@b.example", {"channelProperties": wish})
    assert v3.control.contact("ann@b.example").challenged_ms is not None
    v3.control.resubscribe("ann@b.example")
    assert _status(await v3.get("email/ann@b.example")) == ("subscribed", "subscribed")


@pytest.mark.parametrize("reason", ["ispComplained", "directComplaint", "blockedlocalpart"])
async def test_nobody_comes_back_from_a_complaint_or_a_block(v3: V3, reason: str) -> None:
    await v3.import_one()
    v3.control.suppress("ann@b.example", reason)
    report = await v3.imported(
        entry(dataFields={"FIRSTNAME": "Ann"}, channelProperties=email_status("subscribed"))
    )
    assert codes(report) == [["invalidContactStatus"]]
    assert len(report["updated"]) == 1
    contact = await v3.get("email/ann@b.example")
    assert contact["dataFields"]["FIRSTNAME"] == "Ann"
    assert _status(contact) == ("suppressed", reason)


async def test_subscribed_changes_nothing_for_who_is_subscribed(v3: V3) -> None:
    await v3.import_one()
    contact = await v3.import_one(
        channelProperties=email_status("subscribed", resubscribeWithNoChallenge=False)
    )
    assert _status(contact) == ("subscribed", "subscribed")


async def test_locale_outside_the_closed_list_is_refused(v3: V3) -> None:
    options = email_status("subscribed", preferredLocale="en-GB")
    report = await v3.imported(entry(channelProperties=options))
    assert codes(report) == [["apiSchemaViolation"]]
    assert v3.account.contacts.live_count == 0


async def test_preferences_survive_an_unsubscribing(v3: V3) -> None:
    preference = v3.control.add_preference("Events")
    await v3.import_one(preferences=[{"id": preference.id, "isOptedIn": True}])
    contact = await v3.import_one(channelProperties=email_status("unsubscribed"))
    assert [each["id"] for each in contact["preferences"]] == [preference.id]


async def test_preference_that_a_contact_opted_out_of_is_not_listed(v3: V3) -> None:
    preference = v3.control.add_preference("Events")
    await v3.import_one(preferences=[{"id": preference.id, "isOptedIn": True}])
    contact = await v3.import_one(preferences=[{"id": preference.id, "isOptedIn": False}])
    assert "preferences" not in contact


@pytest.mark.parametrize("status", ["unsubscribed", "pendingOptIn"])
async def test_status_on_lists_follows_the_accounts(v3: V3, status: str) -> None:
    news = v3.control.add_list("News")
    v3.control.set_settings({"double_opt_in": status == "pendingOptIn"})
    contact = await v3.import_one(
        lists=[news.id],
        channelProperties=email_status("unsubscribed") if status == "unsubscribed" else {},
    )
    expected = "suppressed" if status == "unsubscribed" else "pending"
    assert contact["lists"] == [{"id": news.id, "name": "News", "status": expected}]


async def test_an_address_that_comes_later_starts_subscribed(v3: V3) -> None:
    made = await v3.patch("mobileNumber/447700900123", {}, 201)
    assert made["status"] == "noSubscription"
    path = f"contactId/{made['contactId']}"
    contact = await v3.patch(path, {"identifiers": {"email": "ann@b.example"}})
    assert _status(contact) == ("subscribed", "subscribed")
