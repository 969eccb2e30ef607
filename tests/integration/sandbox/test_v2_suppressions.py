"""v2 of the sandbox: unsubscribing, suppressing, coming back."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.sandbox.v2_calls import V2, Json, calling_v2

ANN = {"email": "ann@b.example"}
NOT_FOUND = (404, "Error: ERROR_CONTACT_NOT_FOUND")


@pytest.fixture
async def v2() -> AsyncIterator[V2]:
    async with calling_v2() as v2:
        yield v2


def _found(records: Json) -> list[tuple[str, str]]:
    return [(record["suppressedContact"]["email"], record["reason"]) for record in records]


async def test_unsubscribing_leaves_a_record_with_its_date(v2: V2) -> None:
    contact_id = await v2.make_contact("ann@b.example")
    record = await v2.done("POST", "/contacts/unsubscribe", {"Email": "ANN@b.example"})
    contact = record["suppressedContact"]
    assert (contact["id"], contact["status"], contact["dataFields"]) == (
        contact_id,
        "Unsubscribed",
        None,
    )
    assert record["reason"] == "Unsubscribed"
    v2.account.clock.advance(60)
    assert await v2.done("POST", "/contacts/unsubscribe", ANN) == record
    assert await v2.done("GET", f"/contacts/suppressed-since/{record['dateRemoved']}") == [record]


async def test_an_unknown_address_is_unsubscribed_all_the_same(v2: V2) -> None:
    record = await v2.done("POST", "/contacts/unsubscribe", ANN)
    assert _found([record]) == [("ann@b.example", "Unsubscribed")]
    assert await v2.refused("POST", "/contacts", ANN) == (
        400,
        "Contact is suppressed. ERROR_CONTACT_SUPPRESSED",
    )


async def test_an_account_may_refuse_to_unsubscribe_an_unknown_address(v2: V2) -> None:
    v2.account.settings.unsubscribe_makes_contact = False
    assert await v2.refused("POST", "/contacts/unsubscribe", ANN) == NOT_FOUND


async def test_a_batch_is_suppressed_at_once(v2: V2) -> None:
    ann = await v2.make_contact("ann@b.example")
    await v2.make_contact("bob@b.example")
    await v2.done("POST", "/contacts/unsubscribe", {"email": "bob@b.example"})
    sent = [{"Id": ann}, {"Email": "bob@b.example"}, {"email": "x@b.example"}, {"id": 7}]
    assert await v2.done("PUT", "/contacts/suppress-contacts", sent) == {
        "suppressed": [{"id": ann, "email": None}, {"id": 0, "email": "bob@b.example"}],
        "notFound": [{"id": 0, "email": "x@b.example"}, {"id": 7, "email": None}],
    }
    assert _found(await v2.done("GET", "/contacts/suppressed-since/2020-01-01")) == [
        ("bob@b.example", "Unsubscribed"),
        ("ann@b.example", "Suppressed"),
    ]
    assert _found(await v2.done("GET", "/contacts/unsubscribed-since/2020-01-01")) == [
        ("bob@b.example", "Unsubscribed")
    ]
    page = await v2.done("GET", "/contacts/suppressed-since/2020-01-01?select=1&skip=1")
    assert _found(page) == [("ann@b.example", "Suppressed")]


async def test_a_challenged_contact_stays_off_until_it_answers(v2: V2) -> None:
    await v2.make_contact("ann@b.example")
    await v2.done("POST", "/contacts/unsubscribe", ANN)
    body = {"UnsubscribedContact": {"Email": "ann@b.example"}, "PreferredLocale": ""}
    result = await v2.done("POST", "/contacts/resubscribe", body)
    assert result["status"] == "ContactChallenged"
    assert result["contact"]["status"] == "Unsubscribed"
    contact = v2.account.contacts.by_email("ann@b.example")
    assert contact is not None
    v2.account.subscriptions.confirm(contact, v2.account.clock.stamp())
    assert (await v2.done("GET", "/contacts/ann@b.example"))["status"] == "Subscribed"
    assert await v2.done("GET", "/contacts/suppressed-since/2020-01-01") == []


async def test_without_a_challenge_a_contact_is_back_at_once_with_its_data(v2: V2) -> None:
    await v2.make_contact("ann@b.example")
    await v2.done("POST", "/contacts/unsubscribe", ANN)
    wanted = ANN | {"dataFields": [{"key": "FIRSTNAME", "value": "Ann"}]}
    result = await v2.done(
        "POST", "/contacts/resubscribe-with-no-challenge", {"unsubscribedContact": wanted}
    )
    assert (result["status"], result["contact"]["status"]) == ("ContactAdded", "Subscribed")
    shown = await v2.done("GET", "/contacts/ann@b.example")
    assert {"key": "FIRSTNAME", "value": "Ann"} in shown["dataFields"]


async def test_an_account_that_enforces_double_opt_in_challenges_all_the_same(v2: V2) -> None:
    await v2.make_contact("ann@b.example")
    await v2.done("POST", "/contacts/unsubscribe", ANN)
    v2.account.settings.double_opt_in = True
    result = await v2.done(
        "POST", "/contacts/resubscribe-with-no-challenge", {"unsubscribedContact": ANN}
    )
    assert result["status"] == "ContactChallenged"


async def test_who_complained_does_not_come_back(v2: V2) -> None:
    await v2.make_contact("ann@b.example")
    contact = v2.account.contacts.by_email("ann@b.example")
    assert contact is not None
    v2.account.subscriptions.suppress(contact, "ispComplained", v2.account.clock.stamp())
    for path in ("resubscribe", "resubscribe-with-no-challenge"):
        result = await v2.done("POST", f"/contacts/{path}", {"unsubscribedContact": ANN})
        assert result["status"] == "ContactCannotBeUnsuppressed"
        assert result["contact"]["status"] == "IspComplained"


@pytest.mark.parametrize(
    "method, path, body, answer",
    [
        pytest.param(
            "POST",
            "/contacts/unsubscribe",
            {"email": "ann"},
            (400, "Email is not a valid email address. ERROR_PARAMETER_INVALID"),
            id="no address",
        ),
        pytest.param(
            "PUT",
            "/contacts/suppress-contacts",
            [],
            (400, "Error: ERROR_CONTACTS_ARE_NOT_SPECIFIED"),
            id="nobody",
        ),
        pytest.param(
            "PUT",
            "/contacts/suppress-contacts",
            {"id": 1},
            (400, "Error: ERROR_MALFORMED_REQUEST"),
            id="no batch",
        ),
        pytest.param(
            "PUT",
            "/contacts/suppress-contacts",
            ["ann@b.example"],
            (400, "Error: ERROR_CONTACT_INVALID"),
            id="texts",
        ),
        pytest.param(
            "POST",
            "/contacts/resubscribe",
            ANN,
            (400, "Error: ERROR_CONTACT_RESUBSCRIPTION_INVALID"),
            id="contact not wrapped",
        ),
        pytest.param(
            "POST", "/contacts/resubscribe", {"unsubscribedContact": ANN}, NOT_FOUND, id="unknown"
        ),
        pytest.param(
            "GET",
            "/contacts/suppressed-since/2020-01-01?select=1001",
            None,
            (400, "select is not valid. ERROR_PARAMETER_INVALID"),
            id="page too large",
        ),
    ],
)
async def test_what_is_wrong_is_named(
    v2: V2, method: str, path: str, body: object, answer: tuple[int, str]
) -> None:
    assert await v2.refused(method, path, body) == answer


async def test_leaving_one_list_leaves_the_account_alone(v2: V2) -> None:
    list_id = await v2.make_list()
    path = f"/address-books/{list_id}/contacts"
    await v2.done("POST", path, ANN)
    record = await v2.done("POST", f"{path}/unsubscribe", ANN)
    assert (record["reason"], record["suppressedContact"]["status"]) == (
        "Unsubscribed",
        "Subscribed",
    )
    assert await v2.members(list_id) == []
    assert (await v2.done("GET", f"/address-books/{list_id}"))["contacts"] == 0
    assert await v2.done("GET", "/contacts/suppressed-since/2020-01-01") == []
    since = await v2.done("GET", f"{path}/unsubscribed-since/{record['dateRemoved']}")
    assert since == [record]
    assert await v2.done("GET", f"{path}/unsubscribed-since/2100-01-01") == []
    assert await v2.refused("POST", path, ANN) == (
        400,
        "Error: ERROR_CONTACT_SUPPRESSEDFORADDRESSBOOK",
    )


async def test_coming_back_to_one_list_needs_an_answer_or_none(v2: V2) -> None:
    list_id = await v2.make_list()
    path = f"/address-books/{list_id}/contacts"
    await v2.done("POST", path, ANN)
    await v2.done("POST", f"{path}/unsubscribe", ANN)
    wanted = {"unsubscribedContact": ANN}
    challenged = await v2.done("POST", f"{path}/resubscribe", wanted)
    assert challenged["status"] == "ContactChallenged"
    assert await v2.members(list_id) == []
    added = await v2.done("POST", f"{path}/resubscribe-with-no-challenge", wanted)
    assert added["status"] == "ContactAdded"
    assert await v2.members(list_id) == ["ann@b.example"]
    assert await v2.done("GET", f"{path}/unsubscribed-since/2020-01-01") == []


async def test_who_left_list_and_account_comes_back_to_both(v2: V2) -> None:
    list_id = await v2.make_list()
    path = f"/address-books/{list_id}/contacts"
    await v2.done("POST", path, ANN)
    await v2.done("POST", f"{path}/unsubscribe", ANN)
    await v2.done("POST", "/contacts/unsubscribe", ANN)
    await v2.done("POST", f"{path}/resubscribe", {"unsubscribedContact": ANN})
    contact = v2.account.contacts.by_email("ann@b.example")
    assert contact is not None
    v2.account.subscriptions.confirm(contact, v2.account.clock.stamp())
    assert await v2.members(list_id) == ["ann@b.example"]
    assert (await v2.done("GET", "/contacts/ann@b.example"))["status"] == "Subscribed"


async def test_unsubscribing_keeps_the_preferences(v2: V2) -> None:
    contact_id = await v2.make_contact("ann@b.example")
    names = {"publicName": "Events", "privateName": "Events", "isPreference": True}
    preference = await v2.done("POST", "/preferences", names)
    opt_in = [{"id": preference["id"], "isPreference": True, "isOptedIn": True}]
    await v2.done("PUT", f"/contacts/{contact_id}/preferences", opt_in)
    await v2.done("POST", "/contacts/unsubscribe", ANN)
    tree = await v2.done("GET", f"/contacts/{contact_id}/preferences")
    assert [node["isOptedIn"] for node in tree] == [True]
