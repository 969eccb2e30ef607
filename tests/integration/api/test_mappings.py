"""`/v1/mappings`: targets found, made and refused; what follows for linked people."""

from typing import Any

import httpx
import orjson
import pytest

from app.db import Database
from app.models import Account
from sandbox.server import RunningSandbox
from tests.factories.accounts import make_account, make_account_over_api
from tests.factories.contact_links import due_people, make_link, settle_everyone
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person


@pytest.fixture
async def account(api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database) -> Account:
    made = await make_account_over_api(api, sandbox)
    async with database.reading() as session:
        found = await session.get_one(Account, made["id"])
    sandbox.sandbox.calls.clear()
    return found


async def post(
    api: httpx.AsyncClient, account: Account, *, status: int = 201, query: str = "", **body: object
) -> dict[str, Any]:
    answer = await api.post(f"/v1/mappings{query}", json={"account_id": account.id, **body})
    assert answer.status_code == status, answer.text
    given: dict[str, Any] = answer.json()
    return given


async def with_custom(database: Database, *customs: dict[str, object]) -> None:
    for number, custom in enumerate(customs):
        await make_person(database, email=f"c{number}@example.com", custom=custom)


async def test_a_mapping_is_made_to_a_data_field_in_any_case(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account
) -> None:
    sandbox.control.add_data_field("COMPANY")

    made = await post(api, account, person_field="organisation", dotdigital_field=" Company ")

    assert made.pop("created_at") == made.pop("updated_at")
    assert made == {
        "id": made["id"],
        "account_id": account.id,
        "kind": "field",
        "applies_to": "both",
        "person_field": "organisation",
        "dotdigital_field": "COMPANY",
        "data_field_type": "String",
        "preference_id": None,
        "direction": "to_dotdigital",
        "when_blank": "clear",
        "conflict_rule": "prefer_dotsync",
        "standard": False,
        "left_out": None,
        "version": 1,
        "linked_people_to_send": 0,
        "warning": None,
    }
    shown = await api.get(f"/v1/mappings/{made['id']}")
    assert shown.headers["ETag"] == '"1"'
    assert shown.json()["pending_people"] == 0


async def test_linked_people_are_sent_again_and_the_progress_shows(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account, database: Database
) -> None:
    sandbox.control.add_data_field("COMPANY")
    linked = await make_person(database, email="linked@example.com")
    lead = await make_person(database, email="lead@example.com", kind="lead")
    stranger = await make_person(database, email="stranger@example.com")
    for person in (linked, lead):
        await make_link(database, account, person)
    await make_link(database, account, stranger, contact_id=None, state="not_eligible")
    await settle_everyone(database)

    made = await post(
        api,
        account,
        person_field="organisation",
        dotdigital_field="COMPANY",
        applies_to="person",
    )

    path = f"/v1/mappings/{made['id']}"
    assert made["linked_people_to_send"] == 1
    assert await due_people(database, account.id, "mapping") == [linked.id]
    assert (await api.get(path)).json()["pending_people"] == 1
    await settle_everyone(database)
    assert (await api.get(path)).json()["pending_people"] == 0

    changed = (await api.patch(path, json={"applies_to": "both"})).json()
    assert changed["linked_people_to_send"] == 2
    assert (await api.get(path)).json()["pending_people"] == 2

    await settle_everyone(database)
    same = (await api.patch(path, json={"conflict_rule": "latest"})).json()
    assert (same["linked_people_to_send"], same["version"]) == (0, 3)
    assert await due_people(database, account.id) == []

    deleted = (await api.delete(path)).json()
    assert deleted == {"id": made["id"], "linked_people_to_send": 2}
    assert await due_people(database, account.id, "mapping") == [linked.id, lead.id]
    assert (await api.get(path)).status_code == 404


async def test_people_who_were_due_already_count_as_pending_too(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account, database: Database
) -> None:
    sandbox.control.add_data_field("COMPANY")
    person = await make_person(database)
    await make_link(database, account, person)
    await database.pool.execute("UPDATE person_changes SET attempts = 8")

    made = await post(api, account, person_field="organisation", dotdigital_field="COMPANY")

    assert (await api.get(f"/v1/mappings/{made['id']}")).json()["pending_people"] == 1
    assert await database.pool.fetchval("SELECT attempts FROM person_changes") == 0


async def test_a_mapping_that_only_takes_sends_nobody(
    api: httpx.AsyncClient, account: Account, database: Database
) -> None:
    person = await make_person(database)
    await make_link(database, account, person)
    await settle_everyone(database)

    made = await post(
        api,
        account,
        person_field="custom.gender",
        dotdigital_field="GENDER",
        direction="from_dotdigital",
    )

    assert made["linked_people_to_send"] == 0
    assert await due_people(database, account.id) == []


async def test_an_unknown_data_field_is_refused_with_the_nearest_names(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account
) -> None:
    problem = await post(
        api, account, status=422, person_field="organisation", dotdigital_field="POSTCOD"
    )

    assert problem["errors"][0]["pointer"] == "/body/dotdigital_field"
    assert "'POSTCODE'" in problem["detail"]
    assert sandbox.sandbox.calls.by_template == {"GET /v2/data-fields": 1}


async def test_a_missing_data_field_is_made_with_the_type_that_fits(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account, database: Database
) -> None:
    await with_custom(
        database,
        {"points": 12, "vip": True, "since": "2026-01-05", "tags": ["a", "b"], "mixed": 1},
        {"points": 2.5, "vip": False, "since": "2026-02-01T10:00:00Z", "tags": [], "mixed": "x"},
    )
    for person_field, name, wanted, expected in (
        ("organisation", "COMPANY", None, "String"),
        ("created_at", "MADE_ON", None, "Date"),
        ("sync_with_mailer", "SYNCS", None, "Boolean"),
        ("custom.points", "POINTS", None, "Numeric"),
        ("custom.vip", "VIP", None, "Boolean"),
        ("custom.since", "SINCE", None, "Date"),
        ("custom.tags[*]", "TAGS", None, "String"),
        ("custom.mixed", "MIXED", None, "String"),
        ("custom.never_seen", "NEVER", None, "String"),
        ("custom.score", "SCORE", "Numeric", "Numeric"),
    ):
        made = await post(
            api,
            account,
            query="?create_missing=true",
            person_field=person_field,
            dotdigital_field=name,
            data_field_type=wanted,
        )
        assert made["data_field_type"] == expected, person_field
        field = sandbox.account.data_fields.find(name)
        assert field is not None
        assert field.type == expected


async def test_what_can_not_go_together_is_refused_and_nothing_is_made(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account, database: Database
) -> None:
    await with_custom(
        database, {"tags": ["a"], "orders": [{"sku": "x"}], "note": "words", "flag": "maybe"}
    )
    sandbox.control.add_data_field("SEATS", "Numeric")
    sandbox.control.add_preference("News")
    before = len(sandbox.account.data_fields)
    field, name, kind = "/body/person_field", "/body/dotdigital_field", "preference"
    for pointer, detail, body in (
        (field, "no person field", {"person_field": "firstname", "dotdigital_field": "X"}),
        (field, "[0]", {"person_field": "custom.tags", "dotdigital_field": "X"}),
        (field, "objects or arrays", {"person_field": "custom.orders[*]", "dotdigital_field": "X"}),
        (field, "type text", {"person_field": "organisation", "dotdigital_field": "SEATS"}),
        (field, "0 would fit", {"person_field": "custom.note", "dotdigital_field": "SEATS"}),
        (field, "type text", {"person_field": "city", "dotdigital_field": "News", "kind": kind}),
        (
            field,
            "would fit",
            {"person_field": "custom.flag", "dotdigital_field": "News", "kind": kind},
        ),
        (
            field,
            "can't be written",
            {"person_field": "email", "dotdigital_field": "X", "direction": "two_way"},
        ),
        (name, "keeps for itself", {"person_field": "email", "dotdigital_field": "EMAIL"}),
        (name, "1 to 20", {"person_field": "city", "dotdigital_field": "my town"}),
        (
            "/body/data_field_type",
            "is a Numeric data field",
            {
                "person_field": "custom.seats",
                "dotdigital_field": "SEATS",
                "data_field_type": "String",
            },
        ),
    ):
        problem = await post(api, account, status=422, query="?create_missing=true", **body)
        assert problem["errors"][0]["pointer"] == pointer, body
        assert detail in problem["errors"][0]["detail"], problem
    assert len(sandbox.account.data_fields) == before
    assert await database.pool.fetchval("SELECT count(*) FROM mappings") == 4


async def test_an_account_that_is_full_takes_no_further_data_field(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account
) -> None:
    for number in range(50):
        sandbox.control.add_data_field(f"N{number}", "Numeric")

    problem = await post(
        api,
        account,
        status=409,
        query="?create_missing=true",
        person_field="custom.points",
        dotdigital_field="POINTS",
        data_field_type="Numeric",
    )

    assert (problem["used"], problem["limit"]) == (50, 50)
    assert "POST /v2/data-fields" not in sandbox.sandbox.calls.by_template


async def test_dotdigital_has_the_last_word_on_a_data_field_to_be_made(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account
) -> None:
    sandbox.control.set_settings({"field_limits": {"String": 5}})

    problem = await post(
        api,
        account,
        status=422,
        query="?create_missing=true",
        person_field="organisation",
        dotdigital_field="COMPANY",
    )

    assert "ERROR_DATAFIELD_LIMITEXCEEDED" in problem["detail"]


async def test_a_preference_is_mapped_by_its_path(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account
) -> None:
    events = sandbox.control.add_preference("Topics > Events", "ev")
    sandbox.control.add_preference("News")

    made = await post(
        api,
        account,
        kind="preference",
        person_field="custom.events",
        dotdigital_field="topics>events",
        direction="two_way",
    )

    assert made["dotdigital_field"] == "Topics > Events"
    assert (made["preference_id"], made["data_field_type"]) == (events.id, None)
    problem = await post(
        api,
        account,
        status=422,
        kind="preference",
        person_field="custom.sport",
        dotdigital_field="Events",
    )
    assert "'Topics > Events'" in problem["detail"]


async def test_a_missing_preference_is_made_with_its_category(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account
) -> None:
    for path in ("Topics > Events", "Topics > Sport", "Print magazine"):
        made = await post(
            api,
            account,
            query="?create_missing=true",
            kind="preference",
            person_field=f"custom.{path.split()[-1].lower()}",
            dotdigital_field=path,
        )
        assert made["dotdigital_field"] == path
        assert sandbox.account.preferences.find(made["preference_id"]) is not None
    categories = [
        node for node in sandbox.account.preferences.top_level() if not node.is_preference
    ]
    assert [node.public_name for node in categories] == ["Topics"]
    for path in ("Topics >", "> Events"):
        await post(
            api,
            account,
            status=422,
            query="?create_missing=true",
            kind="preference",
            person_field="custom.x",
            dotdigital_field=path,
        )


async def test_a_target_is_mapped_once_for_the_same_people(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account
) -> None:
    sandbox.control.add_data_field("COMPANY")
    company: dict[str, Any] = {"person_field": "organisation", "dotdigital_field": "COMPANY"}
    first = await post(api, account, **company, applies_to="person")
    sandbox.sandbox.calls.clear()

    clash = await post(api, account, status=409, person_field="city", dotdigital_field="company")
    assert clash["mapping_id"] == first["id"]
    assert sandbox.sandbox.calls.total == 0
    second = await post(api, account, **company, applies_to="lead")

    widened = await api.patch(f"/v1/mappings/{second['id']}", json={"applies_to": "both"})
    assert (widened.status_code, widened.json()["mapping_id"]) == (409, first["id"])


async def test_two_mappings_never_take_into_one_field(
    api: httpx.AsyncClient, account: Account
) -> None:
    taking: dict[str, Any] = {"person_field": "custom.gender", "direction": "from_dotdigital"}
    first = await post(api, account, **taking, dotdigital_field="GENDER")

    clash = await post(api, account, status=409, **taking, dotdigital_field="LASTSUBSCRIBED")

    assert clash["mapping_id"] == first["id"]


async def test_a_change_of_the_target_finds_it_anew(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account, database: Database
) -> None:
    sandbox.control.add_data_field("COMPANY")
    sandbox.control.add_data_field("SEATS", "Numeric")
    await with_custom(database, {"seats": 4})
    made = await post(api, account, person_field="organisation", dotdigital_field="COMPANY")
    path = f"/v1/mappings/{made['id']}"
    sandbox.sandbox.calls.clear()

    kept = await api.patch(path, json={"person_field": "city", "when_blank": "keep"})
    assert (kept.status_code, kept.json()["person_field"]) == (200, "city")
    assert sandbox.sandbox.calls.total == 0

    refused = await api.patch(path, json={"dotdigital_field": "SEATS"})
    assert refused.status_code == 422
    moved = await api.patch(
        path, json={"dotdigital_field": "seats", "person_field": "custom.seats"}
    )
    assert moved.status_code == 200, moved.text
    assert (moved.json()["dotdigital_field"], moved.json()["data_field_type"]) == (
        "SEATS",
        "Numeric",
    )
    # What people hold by now is no reason to refuse a change of something else.
    await with_custom(database, {"seats": ["a"]})
    assert (await api.patch(path, json={"when_blank": "clear"})).status_code == 200
    mismatch = await api.patch(path, json={"person_field": "city"})
    assert mismatch.status_code == 422
    assert mismatch.json()["errors"][0]["pointer"] == "/body/person_field"


async def test_a_stale_version_changes_and_deletes_nothing(
    api: httpx.AsyncClient, database: Database
) -> None:
    mapping = await make_mapping(database, await make_account(database))
    path = f"/v1/mappings/{mapping.id}"
    stale = {"If-Match": '"9"'}

    assert (await api.patch(path, json={"when_blank": "keep"}, headers=stale)).status_code == 412
    assert (await api.delete(path, headers=stale)).status_code == 412
    fresh = await api.patch(path, json={"when_blank": "keep"}, headers={"If-Match": '"1"'})
    assert (fresh.status_code, fresh.headers["ETag"]) == (200, '"2"')


async def test_bad_bodies_are_refused(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    mapping = await make_mapping(database, account)
    good = {"account_id": account.id, "person_field": "city", "dotdigital_field": "TOWN"}
    for change, pointer in (
        ({"account_id": account.id + 1}, "/body/account_id"),
        ({"account_id": str(account.id)}, "/body/account_id"),
        ({"account_id": 2**63}, "/body/account_id"),
        ({"person_field": "a\x00b"}, "/body/person_field"),
        ({"person_field": "custom."}, "/body/person_field"),
        ({"person_field": "custom.x\x00"}, "/body/person_field"),
        ({"person_field": "x" * 201}, "/body/person_field"),
        ({"dotdigital_field": ""}, "/body/dotdigital_field"),
        ({"direction": "both"}, "/body/direction"),
        ({"when_blank": None}, "/body/when_blank"),
        ({"kind": "preference", "data_field_type": "String"}, "/body/data_field_type"),
        ({"id": 4}, "/body/id"),
    ):
        answer = await api.post("/v1/mappings", json={**good, **change})
        assert answer.status_code == 422, change
        assert answer.json()["errors"][0]["pointer"] == pointer, change
    for change in ({"kind": "preference"}, {"account_id": 1}, {"direction": None}):
        answer = await api.patch(f"/v1/mappings/{mapping.id}", json=change)
        assert answer.status_code == 422, change
    surrogate = orjson.dumps(good).replace(b"TOWN", b"\\udc00")
    headers = {"Content-Type": "application/json"}
    assert (await api.post("/v1/mappings", content=surrogate, headers=headers)).status_code == 422
    for mapping_id in ("0", str(2**63), "suggestion"):
        assert (await api.get(f"/v1/mappings/{mapping_id}")).status_code == 422


async def test_mappings_are_filtered_and_page_by_cursor(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    other = await make_account(database, username="other")
    for number in range(3):
        await make_mapping(
            database, account, dotdigital_field=f"F{number}", person_field=f"custom.f{number}"
        )
    taking = await make_mapping(database, other, direction="from_dotdigital")

    wanted = {"account_id": account.id, "limit": 2}
    first = (await api.get("/v1/mappings", params=wanted)).json()
    second = (
        await api.get("/v1/mappings", params={**wanted, "cursor": first["next_cursor"]})
    ).json()

    names = [each["dotdigital_field"] for page in (first, second) for each in page["items"]]
    assert names == ["F0", "F1", "F2"]
    other_filters = {"account_id": other.id, "cursor": first["next_cursor"]}
    assert (await api.get("/v1/mappings", params=other_filters)).status_code == 422
    found = (await api.get("/v1/mappings", params={"direction": "from_dotdigital"})).json()
    assert [each["id"] for each in found["items"]] == [taking.id]
    assert (await api.get("/v1/mappings", params={"kind": "preference"})).json()["items"] == []


async def test_likely_pairs_are_suggested_until_they_are_mapped(
    api: httpx.AsyncClient, sandbox: RunningSandbox, account: Account, database: Database
) -> None:
    await with_custom(database, {"loyalty_points": 12, "events": True})
    sandbox.control.add_data_field("COMPANY")
    sandbox.control.add_data_field("LOYALTYPOINTS", "Numeric")
    sandbox.control.add_preference("Topics > Events")
    query = {"account_id": account.id}

    suggested = (await api.get("/v1/mappings/suggestions", params=query)).json()["items"]

    assert [
        (each["kind"], each["person_field"], each["dotdigital_field"]) for each in suggested
    ] == [
        ("preference", "custom.events", "Topics > Events"),
        ("field", "custom.loyalty_points", "LOYALTYPOINTS"),
        ("field", "organisation", "COMPANY"),
    ]
    await post(api, account, person_field="organisation", dotdigital_field="COMPANY")
    left = (await api.get("/v1/mappings/suggestions", params=query)).json()["items"]
    assert left == suggested[:2]
    sandbox.control.set_settings({"missing_features": {"preferences"}})
    left = (await api.get("/v1/mappings/suggestions", params=query)).json()["items"]
    assert left == suggested[1:2]
    assert (await api.get("/v1/mappings/suggestions")).status_code == 422
    unknown = await api.get("/v1/mappings/suggestions", params={"account_id": 99})
    assert unknown.status_code == 404
