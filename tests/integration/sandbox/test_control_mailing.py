"""The sandbox's control calls about campaigns, forms and documents."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.app import create_app
from sandbox.control import Control
from sandbox.control.errors import UnknownError
from sandbox.sandbox import Sandbox
from tests.integration.sandbox.v3_calls import Json

DEFAULT = "/_sandbox/accounts/default"


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    sandbox = Sandbox()
    sandbox.add_default_account()
    yield Control(sandbox)
    await sandbox.world.close()


@pytest.fixture
async def http(control: Control) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(control.sandbox)),
        base_url="https://r1-api.sandbox.example",
    ) as http:
        yield http


async def _done(http: httpx.AsyncClient, method: str, path: str, body: Json = None) -> Json:
    answer = await http.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_campaign_is_made_sent_and_read_over_http(http: httpx.AsyncClient) -> None:
    await _done(http, "POST", f"{DEFAULT}/contacts", {"count": 10})
    document = await _done(http, "POST", f"{DEFAULT}/documents", {"file_name": "a.pdf"})
    made = await _done(
        http,
        "POST",
        f"{DEFAULT}/campaigns",
        {"name": "May", "type": "Triggered", "document_ids": [document["id"]]},
    )
    path = f"{DEFAULT}/campaigns/{made['id']}"
    sent = await _done(http, "POST", f"{path}/send", {"opens": 0.5, "clicks": 3, "downloads": 1})
    assert sent == {"recipients": 10}
    shown = await _done(
        http, "POST", f"{path}/activity", {"contact": "person1@mail.example", "action": "open"}
    )
    assert (shown["opens"], shown["clicks"], shown["status"]) == (6, 4, "Triggered")
    assert await _done(http, "GET", f"{DEFAULT}/campaigns") == [shown]
    await _done(http, "DELETE", path)
    assert await _done(http, "GET", f"{DEFAULT}/campaigns") == []


async def test_many_rows_are_made_over_http(http: httpx.AsyncClient) -> None:
    body = {"rows": 200, "campaigns": 2}
    made = await _done(http, "POST", f"{DEFAULT}/campaigns/generate", body)
    assert len(made["ids"]) == 2


async def test_form_is_made_and_filled_in_over_http(http: httpx.AsyncClient) -> None:
    form = await _done(http, "POST", f"{DEFAULT}/forms", {"name": "Sign-up"})
    path = f"{DEFAULT}/forms/{form['id']}/responses"
    body = {"email": "ann@b.example", "answers": {"First name": "Ann", "23": "Dinghy"}}
    response = await _done(http, "POST", path, body)
    assert response["answers"] == {"21": "ann@b.example", "22": "Ann", "23": 1}
    contact = await _done(http, "GET", f"{DEFAULT}/contacts/ann@b.example")
    assert contact["dataFields"]["FIRSTNAME"] == "Ann"


async def test_contact_is_edited_by_hand_over_http(
    http: httpx.AsyncClient, control: Control
) -> None:
    control.generate_contacts(1, data_fields={"LASTNAME": "Okafor"})
    control.move_clock(advance_s=60, frozen=True)
    path = f"{DEFAULT}/contacts/person1@mail.example"
    fields = {"FIRSTNAME": "Ines", "LASTNAME": None}
    contact = await _done(http, "PATCH", path, {"data_fields": fields})
    assert (contact["dataFields"]["FIRSTNAME"], contact["dataFields"]["LASTNAME"]) == ("Ines", None)
    assert contact["updated"] > contact["created"]
    await _done(http, "POST", f"{path}/visit", {"url": "https://a.example/"})
    assert len(control.account().visits) == 1


@pytest.mark.parametrize(
    "amount,opens",
    [
        pytest.param(3, [1, 1, 1, 0], id="so many, each another's"),
        pytest.param(6, [2, 2, 1, 1], id="more than there are recipients"),
        pytest.param(0.5, [1, 1, 0, 0], id="a share"),
        pytest.param(1.5, [2, 2, 1, 1], id="a share over one"),
        pytest.param(["person2@mail.example"] * 2, [2, 0, 0, 0], id="by name"),
        pytest.param(0, [0, 0, 0, 0], id="none"),
    ],
)
def test_reactions_are_chosen_by_number_share_or_name(
    control: Control, amount: Json, opens: list[int]
) -> None:
    control.generate_contacts(4)
    campaign = control.campaigns.add()
    assert control.campaigns.send(campaign.id, opens=amount) == 4
    assert sorted(campaign.activity.open_counts, reverse=True) == opens


def test_seed_makes_the_same_choice_again() -> None:
    def chosen(seed: int) -> list[int]:
        sandbox = Sandbox()
        sandbox.add_default_account()
        control = Control(sandbox)
        control.generate_contacts(50)
        campaign = control.campaigns.add()
        control.campaigns.send(
            campaign.id, at="2026-03-01T09:00:00Z", within_s=3600, opens=10, clicks=5, seed=seed
        )
        activity = campaign.activity
        return [*activity.opens.times, *activity.opens.places, *activity.clicks.places]

    assert chosen(1) == chosen(1)
    assert chosen(1) != chosen(2)


def test_reactions_spread_over_their_time_and_clicks_follow_opens(control: Control) -> None:
    control.generate_contacts(50)
    campaign = control.campaigns.add()
    control.campaigns.send(
        campaign.id, at="2026-03-01T09:00:00Z", within_s=3600, opens=1.0, clicks=1.0
    )
    activity = campaign.activity
    assert len(set(activity.opens.times)) > 40
    assert activity.opens.times[-1] - activity.sent_ms[0] <= 3_600_000
    for at_ms, place in zip(activity.clicks.times, activity.clicks.places, strict=True):
        assert at_ms >= activity.first_open_ms[place]


def test_suppressed_contacts_get_nothing(control: Control) -> None:
    control.generate_contacts(3)
    control.unsubscribe("person1@mail.example")
    control.delete("person2@mail.example")
    control.add_contacts([{"identifiers": {"mobileNumber": "447700900123"}}])
    campaign = control.campaigns.add()
    assert control.campaigns.send(campaign.id) == 1


def test_many_rows_are_made_at_once(control: Control) -> None:
    began = time.perf_counter()
    ids = control.campaigns.generate(rows=20_003, campaigns=10)
    assert time.perf_counter() - began < 5
    made = [control.campaigns.find(campaign_id).activity for campaign_id in ids]
    rows = [(len(each), len(each.opens), len(each.clicks), len(each.views)) for each in made]
    assert sum(map(sum, rows)) == 20_003
    assert rows[-1] == (800, 600, 400, 200)
    assert made[0].sent_ms[0] < made[9].sent_ms[0]


@pytest.mark.parametrize(
    "method,path,body,status",
    [
        pytest.param("POST", "/campaigns/7/send", {}, 404, id="no such campaign"),
        pytest.param("POST", "/campaigns/5501/send", {"likes": 3}, 400, id="no such reaction"),
        pytest.param("POST", "/campaigns/5501/send", {"opens": -1}, 400, id="less than nothing"),
        pytest.param("POST", "/campaigns/5501/send", {"list_ids": [7]}, 404, id="no such list"),
        pytest.param("POST", "/campaigns/5501/send", {"downloads": 1}, 400, id="no document"),
        pytest.param(
            "POST", "/campaigns/5501/send", {"contacts": ["x@b.example"]}, 404, id="to a stranger"
        ),
        pytest.param("POST", "/campaigns/5501/send", {"at": "2100-01-01"}, 400, id="in the future"),
        pytest.param(
            "POST",
            "/campaigns/5501/activity",
            {"contact": "person1@mail.example", "action": "open"},
            404,
            id="by who was not sent to",
        ),
        pytest.param("POST", "/campaigns", {"type": "Chain"}, 400, id="no such type"),
        pytest.param("POST", "/forms/7/responses", {}, 404, id="no such form"),
        pytest.param("POST", "/documents", {"folder_id": 7}, 404, id="no such folder"),
        pytest.param(
            "PATCH",
            "/contacts/person1@mail.example",
            {"data_fields": {"NONE": 1}},
            400,
            id="no such data field",
        ),
    ],
)
async def test_control_call_that_is_not_right_is_refused(
    http: httpx.AsyncClient, control: Control, method: str, path: str, body: Json, status: int
) -> None:
    control.generate_contacts(1)
    control.campaigns.add()
    answer = await http.request(method, f"{DEFAULT}{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert len(control.campaigns.find(5501).activity) == 0


def test_nobody_can_do_what_there_is_not(control: Control) -> None:
    control.generate_contacts(1)
    campaign = control.campaigns.add()
    control.campaigns.send(campaign.id)
    with pytest.raises(ValueError, match="dance"):
        control.campaigns.act(campaign.id, "person1@mail.example", "dance")


@pytest.mark.parametrize(
    "email,answers,wrong",
    [
        pytest.param("ann", {}, ValueError, id="no address"),
        pytest.param("ann@b.example", {"Age?": 7}, UnknownError, id="not asked"),
        pytest.param("ann@b.example", {"Which class?": "Raft"}, ValueError, id="no choice"),
    ],
)
def test_form_is_not_filled_in_wrongly(
    control: Control, email: str, answers: dict[str, str | int], wrong: type[Exception]
) -> None:
    survey = control.forms.add()
    with pytest.raises(wrong):
        control.forms.submit(survey.id, email, answers)
    assert survey.responses == []
