"""`/v1/lists` as a caller meets it."""

from typing import Any

import httpx

from app.db import Database
from tests.factories.accounts import make_account
from tests.factories.contact_links import make_link
from tests.factories.lists import make_list, make_members
from tests.factories.people import make_people

DEFAULTS = {
    "description": None,
    "slug": None,
    "kind": "static",
    "synchronisation_with": None,
    "account_id": None,
    "record_state": "open",
    "sync_mode": "continuous",
    "entry_action": "add",
    "exit_action": "remove",
    "resubscribe_mode": "never",
    "trigger_join_actions": False,
    "sync_status": False,
    "visibility": "private",
    "dotdigital_list_id": None,
}


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json().get("errors", [])]


async def test_a_list_is_made_with_its_defaults(api: httpx.AsyncClient) -> None:
    made = await api.post("/v1/lists", json={"name": "  Readers "})
    assert made.status_code == 201, made.text
    body = made.json()
    assert body | {"name": "Readers", "version": 1, **DEFAULTS} == body
    assert made.headers["Location"] == f"/v1/lists/{body['id']}"
    assert made.headers["ETag"] == '"1"'
    got = await api.get(made.headers["Location"])
    members = {"pending": 0, "synced": 0, "leaving": 0, "failed": 0, "waiting": 0}
    assert got.json() == body | {"members": members}
    assert got.headers["ETag"] == '"1"'


async def test_every_option_is_kept(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    given = {
        "name": "Audience",
        "description": "Who must not be mailed",
        "slug": "no-mail.2",
        "kind": "audience",
        "synchronisation_with": "dotdigital",
        "account_id": account.id,
        "record_state": "closed",
        "sync_mode": "one_time",
        "entry_action": "unsubscribe",
        "exit_action": "ignore",
        "resubscribe_mode": "challenge",
        "trigger_join_actions": False,
        "sync_status": True,
        "visibility": "public",
        "dotdigital_list_id": 77,
    }
    made = await api.post("/v1/lists", json=given)
    assert made.status_code == 201, made.text
    assert made.json() | given == made.json()


#: By what is wrong: a body, and where the fault is.
BAD_LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({}, "/body/name"),
    "a blank name": ({"name": "  "}, "/body/name"),
    "null": ({"name": None}, "/body/name"),
    "a number": ({"name": 5}, "/body/name"),
    "too long": ({"name": "x" * 201}, "/body/name"),
    "a NUL byte": ({"name": "a\x00b"}, "/body/name"),
    "an unknown field": ({"name": "x", "colour": "red"}, "/body/colour"),
    "an unknown kind": ({"name": "x", "kind": "smart"}, "/body/kind"),
    "a slug with a blank": ({"name": "x", "slug": "a b"}, "/body/slug"),
    "a word for a flag": ({"name": "x", "sync_status": "yes"}, "/body/sync_status"),
    "an id as text": ({"name": "x", "account_id": "1"}, "/body/account_id"),
    "an id beyond 64 bits": ({"name": "x", "account_id": 2**63}, "/body/account_id"),
    "no such account": ({"name": "x", "account_id": 999}, "/body/account_id"),
    "synchronised with no account": (
        {"name": "x", "synchronisation_with": "dotdigital"},
        "/body/account_id",
    ),
    "a combination that makes no sense": (
        {"name": "x", "entry_action": "unsubscribe", "trigger_join_actions": True},
        "/body/trigger_join_actions",
    ),
}


async def test_a_bad_list_is_refused_where_it_is_bad(api: httpx.AsyncClient) -> None:
    for wrong, (body, where) in BAD_LISTS.items():
        answer = await api.post("/v1/lists", json=body)
        assert (answer.status_code, pointers(answer)) == (422, [where]), wrong
    assert (await api.get("/v1/lists")).json()["items"] == []


#: By what is wrong: a body, and the status it gets.
BAD_BODIES: dict[str, tuple[bytes, int]] = {
    "malformed": (b'{"name": ', 422),
    "half a surrogate pair": (b'{"name": "\\ud800"}', 422),
    "not UTF-8": (b'{"name": "\xff"}', 422),
    "an array": (b'["Readers"]', 422),
    "nothing": (b"", 422),
    "a name of 10 MB": (b'{"name": "' + b"x" * 10_000_000 + b'"}', 422),
    "over the limit": (b'{"name": "' + b"x" * 17_000_000 + b'"}', 413),
}


async def test_a_body_that_is_none_is_a_problem(api: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json"}
    for wrong, (content, status) in BAD_BODIES.items():
        answer = await api.post("/v1/lists", content=content, headers=headers)
        assert answer.status_code == status, wrong
        assert answer.headers["content-type"] == "application/problem+json", wrong
        assert len(answer.content) < 2000, wrong


async def test_a_taken_slug_is_a_conflict_that_names_the_list(
    api: httpx.AsyncClient, database: Database
) -> None:
    other = await make_list(database, slug="readers")
    answer = await api.post("/v1/lists", json={"name": "Others", "slug": "readers"})
    assert (answer.status_code, answer.json()["list_id"]) == (409, other.id)


async def test_lists_are_filtered_and_paged(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)
    plain = await make_list(database, name="100% readers")
    closed = await make_list(database, name="Closed", record_state="closed", kind="campaign")
    synced = await make_list(database, account, name="Synced")

    async def found(**query: Any) -> list[int]:  # noqa: ANN401 - any filter
        answer = await api.get("/v1/lists", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await found() == [plain.id, closed.id, synced.id]
    assert await found(q="READ") == [plain.id]
    assert await found(q="%") == [plain.id]
    assert await found(account_id=account.id) == [synced.id]
    assert await found(kind="campaign") == [closed.id]
    assert await found(record_state="closed") == [closed.id]
    assert await found(synchronisation_with="dotdigital") == [synced.id]
    first = (await api.get("/v1/lists", params={"limit": 2})).json()
    assert [item["id"] for item in first["items"]] == [plain.id, closed.id]
    second = await api.get("/v1/lists", params={"limit": 2, "cursor": first["next_cursor"]})
    assert [item["id"] for item in second.json()["items"]] == [synced.id]
    assert second.json()["next_cursor"] is None
    other = await api.get("/v1/lists", params={"q": "x", "cursor": first["next_cursor"]})
    assert pointers(other) == ["/query/cursor"]


async def test_bad_parameters_are_pointed_at(api: httpx.AsyncClient) -> None:
    for query, where in {
        "limit=0": "/query/limit",
        "limit=1000000000": "/query/limit",
        "cursor=abc": "/query/cursor",
        "q=%00": "/query/q",
        "account_id=9223372036854775808": "/query/account_id",
        "kind=smart": "/query/kind",
    }.items():
        answer = await api.get(f"/v1/lists?{query}")
        assert (answer.status_code, pointers(answer)) == (422, [where]), query


async def test_patch_keeps_what_is_left_out_and_put_does_not(
    api: httpx.AsyncClient, database: Database
) -> None:
    made = await make_list(database, description="All who read", slug="readers", kind="campaign")
    path = f"/v1/lists/{made.id}"
    changed = await api.patch(path, json={"name": "Writers", "description": None})
    assert changed.status_code == 200, changed.text
    assert changed.headers["ETag"] == '"2"'
    kept = {"name": "Writers", "description": None, "slug": "readers", "kind": "campaign"}
    assert changed.json() | kept == changed.json()
    replaced = await api.put(path, json={"name": "Writers"})
    assert replaced.json() | {"name": "Writers", **DEFAULTS, "version": 3} == replaced.json()


async def test_put_keeps_the_twin_that_the_service_found(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    made = await make_list(database, account, dotdigital_list_id=9)
    given = {"name": "Others", "synchronisation_with": "dotdigital", "account_id": account.id}
    path = f"/v1/lists/{made.id}"
    assert (await api.put(path, json=given)).json()["dotdigital_list_id"] == 9
    unbound = await api.put(path, json=given | {"dotdigital_list_id": None})
    assert unbound.json()["dotdigital_list_id"] is None


async def test_a_list_goes_out_of_sync_without_its_twin(
    api: httpx.AsyncClient, database: Database
) -> None:
    made = await make_list(database, await make_account(database), dotdigital_list_id=9)
    answer = await api.patch(f"/v1/lists/{made.id}", json={"synchronisation_with": None})
    assert answer.status_code == 200, answer.text
    assert answer.json()["dotdigital_list_id"] is None


async def test_a_bad_change_is_refused(api: httpx.AsyncClient, database: Database) -> None:
    made = await make_list(database)
    cases: dict[str, tuple[dict[str, Any], str]] = {
        "a name of null": ({"name": None}, "/body"),
        "a kind of null": ({"kind": None}, "/body"),
        "an id": ({"id": 5}, "/body/id"),
        "a twin, not synchronised": ({"dotdigital_list_id": 5}, "/body/dotdigital_list_id"),
    }
    for wrong, (change, where) in cases.items():
        answer = await api.patch(f"/v1/lists/{made.id}", json=change)
        assert (answer.status_code, pointers(answer)) == (422, [where]), wrong
    assert (await api.get(f"/v1/lists/{made.id}")).json()["version"] == 1


async def test_a_stale_version_is_refused(api: httpx.AsyncClient, database: Database) -> None:
    made = await make_list(database)
    path = f"/v1/lists/{made.id}"
    body = {"name": "Others"}
    stale, first, second = {"If-Match": '"7"'}, {"If-Match": '"1"'}, {"If-Match": '"2"'}
    for answer in (
        await api.put(path, json=body, headers=stale),
        await api.patch(path, json=body, headers=stale),
        await api.delete(path, headers=stale),
    ):
        assert (answer.status_code, answer.json()["current_version"]) == (412, 1)
    assert (await api.patch(path, json=body, headers=first)).status_code == 200
    assert (await api.put(path, json=body, headers=first)).status_code == 412
    assert (await api.delete(path, headers=second)).status_code == 200


async def test_deleting_says_what_becomes_of_the_twin(
    api: httpx.AsyncClient, database: Database
) -> None:
    made = await make_list(database, await make_account(database), dotdigital_list_id=9)
    await make_members(database, made, await make_people(database, 2))
    gone = await api.delete(f"/v1/lists/{made.id}")
    assert gone.status_code == 200, gone.text
    assert gone.json() == {
        "id": made.id,
        "dotdigital_list_id": 9,
        "detail": "Dotdigital's list 9 stays as it is, with its contacts: delete it there if it "
        "isn't needed any more.",
    }
    assert (await api.get(f"/v1/lists/{made.id}")).status_code == 404
    assert (await api.delete(f"/v1/lists/{made.id}")).status_code == 404


async def test_an_id_that_is_none_is_a_problem(api: httpx.AsyncClient) -> None:
    for list_id, status in {
        "999": 404,
        "0": 422,
        "-1": 422,
        "9223372036854775808": 422,
        "readers": 422,
    }.items():
        path = f"/v1/lists/{list_id}"
        for answer in (
            await api.get(path),
            await api.patch(path, json={"name": "x"}),
            await api.put(path, json={"name": "x"}),
            await api.delete(path),
        ):
            assert answer.status_code == status, list_id
            assert answer.headers["content-type"] == "application/problem+json"


async def test_a_post_repeated_under_its_key_makes_one_list(api: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "make-readers"}
    first = await api.post("/v1/lists", json={"name": "Readers"}, headers=headers)
    again = await api.post("/v1/lists", json={"name": "Readers"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len((await api.get("/v1/lists")).json()["items"]) == 1


async def test_changes_are_audited(api: httpx.AsyncClient, database: Database) -> None:
    made = (await api.post("/v1/lists", json={"name": "Readers"})).json()
    await api.patch(f"/v1/lists/{made['id']}", json={"name": "Writers"})
    await api.delete(f"/v1/lists/{made['id']}")
    rows = await database.pool.fetch(
        "SELECT action FROM audit_log WHERE subject_type = 'list' AND subject_id = $1 ORDER BY id",
        made["id"],
    )
    assert [row["action"] for row in rows] == ["list_created", "list_changed", "list_deleted"]


async def test_a_change_says_how_many_members_it_suppresses(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    mailing_list = await make_list(database, account, dotdigital_list_id=9)
    people = await make_people(database, 3)
    await make_members(database, mailing_list, people, "synced")
    for person in people[:2]:
        await make_link(database, account, person)
    path = f"/v1/lists/{mailing_list.id}"

    assert (await api.patch(path, json={"name": "A"})).json()["members_to_suppress"] == 0
    changed = await api.patch(path, json={"entry_action": "unsubscribe"})
    assert changed.json()["members_to_suppress"] == 2
    closed = await api.patch(path, json={"record_state": "closed"})
    assert closed.json()["members_to_suppress"] == 0
    opened = await api.patch(path, json={"record_state": "open"})
    assert opened.json()["members_to_suppress"] == 2
