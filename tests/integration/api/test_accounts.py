"""`/v1/accounts`: made and verified, shown, deleted; changes are in `test_account_changes`."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.db import Database
from app.job_kinds import JOB_KINDS
from app.models import RateBucket
from sandbox.server import RunningSandbox
from sandbox.state import ApiUser
from tests.clock import FakeClock
from tests.factories.accounts import make_account, make_account_over_api
from tests.factories.contact_links import due_people, make_link
from tests.factories.lists import make_list
from tests.factories.mappings import make_mapping
from tests.factories.people import make_people, make_person
from tests.factories.runs import make_run


def body(sandbox: RunningSandbox, **overrides: object) -> dict[str, Any]:
    given = {"name": "Main", "username": sandbox.username, "password": sandbox.password}
    return {**given, **overrides}


async def stored_accounts(database: Database) -> int:
    count: int = await database.pool.fetchval("SELECT count(*) FROM accounts")
    return count


async def test_a_new_account_is_verified_and_found_in_its_region(
    api: httpx.AsyncClient, sandbox: RunningSandbox, clock: FakeClock
) -> None:
    sandbox.control.move_account("r2")
    sandbox.control.add_list("Donors")

    answer = await api.post("/v1/accounts", json=body(sandbox, name="  Main "))

    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["Location"] == f"/v1/accounts/{made['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert made["name"] == "Main"
    assert made["username"] == sandbox.username
    assert made["endpoint"] == sandbox.urls["r2"]
    assert (made["state"], made["state_detail"]) == ("ok", None)
    assert made["dotdigital_account_id"] == sandbox.account.id
    assert made["fields_used"] == {"String": 5, "Numeric": 0, "Date": 1, "Boolean": 0}
    assert made["fields_limit"] == {"String": 246, "Numeric": 50, "Date": 50, "Boolean": 50}
    assert made["lists_used"] == len(sandbox.account.lists)
    assert made["lists_limit"] == 1000
    assert made["usage_read_at"] == clock.now().isoformat().replace("+00:00", "Z")
    assert made["settings"]["people"] == "all"
    assert made["settings"]["resubscribe_mode"] == "challenge"
    assert made == (await api.get(f"/v1/accounts/{made['id']}")).json()
    assert [made] == (await api.get("/v1/accounts")).json()["items"]


async def test_making_an_account_takes_three_calls(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    await make_account_over_api(api, sandbox)

    assert sandbox.sandbox.calls.by_template == {
        "GET /v2/account-info": 1,
        "GET /v2/data-fields": 1,
        "GET /v2/address-books": 1,
    }


async def test_the_region_is_asked_for_where_the_caller_says(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    made = await make_account_over_api(api, sandbox, region_url=sandbox.urls["r3"])

    assert made["region_url"] == sandbox.urls["r3"]
    asked = [call.region for call in sandbox.sandbox.calls.recent]
    assert asked == ["r3", "r1", "r1"]


async def test_a_new_account_has_its_jobs_off_and_its_standard_mappings(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    made = await make_account_over_api(api, sandbox)

    jobs = await database.pool.fetch(
        "SELECT job, interval_seconds, enabled FROM jobs WHERE account_id = $1", made["id"]
    )
    assert {row["job"]: row["interval_seconds"] for row in jobs} == {
        "send_people": 300,
        "retrieve_people": 300,
        "retrieve_activities": 900,
        "match_activities": 300,
        "send_lists": 1200,
        "monitor_imports": 30,
    }
    assert len(jobs) == len(JOB_KINDS)
    assert not any(row["enabled"] for row in jobs)
    mappings = (await api.get("/v1/mappings", params={"account_id": made["id"]})).json()["items"]
    assert {each["dotdigital_field"]: each["person_field"] for each in mappings} == {
        "FIRSTNAME": "first_name",
        "LASTNAME": "last_name",
        "FULLNAME": "full_name",
        "POSTCODE": "postcode",
    }
    assert {(each["direction"], each["standard"]) for each in mappings} == {("to_dotdigital", True)}
    activities = await api.get(f"/v1/accounts/{made['id']}/activity-settings")
    assert set(activities.json().values()) == {True}


async def test_everyone_is_due_for_a_new_account(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    people = await make_people(database, 3)

    made = await make_account_over_api(api, sandbox)

    assert await due_people(database, made["id"]) == [person.id for person in people]


async def test_wrong_credentials_are_refused_and_nothing_is_stored(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    answer = await api.post("/v1/accounts", json=body(sandbox, password="not the one"))

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/problems/bad-credentials")
    assert "Settings > Access > API users" in answer.json()["detail"]
    assert sandbox.sandbox.calls.total == 1
    assert await stored_accounts(database) == 0


#: What may look like the one host that is allowed, 127.0.0.1.
FOREIGN_HOSTS = {
    "another domain": "https://r1-api.evil.example",
    "begins like an allowed one": "https://127.0.0.1.evil.example",
    "credentials of its own": "http://user:pass@127.0.0.1",
    "behind a fragment": "https://evil.example#@127.0.0.1",
    "another scheme": "ftp://127.0.0.1",
    "no URL at all": "127.0.0.1",
}


async def test_a_host_that_is_not_allowed_never_sees_the_credentials(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    for why, region_url in FOREIGN_HOSTS.items():
        answer = await api.post("/v1/accounts", json=body(sandbox, region_url=region_url))

        assert answer.status_code == 422, why
        assert answer.json()["type"].endswith("/problems/host-not-allowed"), why
    assert sandbox.sandbox.calls.total == 0
    assert await stored_accounts(database) == 0


@pytest.mark.parametrize(
    "region_url, told",
    [
        pytest.param(
            "127.0.0.1:9000", "with its scheme", id="no scheme, on a host that is allowed"
        ),
        pytest.param("http://10.0.0.7", "DOTSYNC_ALLOWED_HOSTS", id="not allowed, TLS or not"),
        pytest.param("https://evil.example", "DOTSYNC_ALLOWED_HOSTS", id="not allowed"),
    ],
)
async def test_what_is_wrong_with_a_region_url_is_told(
    api: httpx.AsyncClient, sandbox: RunningSandbox, region_url: str, told: str
) -> None:
    answer = await api.post("/v1/accounts", json=body(sandbox, region_url=region_url))

    assert answer.status_code == 422
    assert told in answer.json()["detail"]


async def test_an_endpoint_that_dotdigital_names_is_held_to_the_allowed_hosts_too(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    sandbox.control.move_account("r2")
    sandbox.sandbox.hosts["r2"] = "https://r2-api.evil.example"

    answer = await api.post("/v1/accounts", json=body(sandbox))

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/problems/host-not-allowed")
    assert "r2-api.evil.example" in answer.json()["detail"]
    assert sandbox.sandbox.calls.by_template == {"GET /v2/account-info": 1}
    assert await stored_accounts(database) == 0


async def test_an_unreachable_dotdigital_is_502_and_nothing_is_stored(
    api: httpx.AsyncClient, database: Database
) -> None:
    given = {"name": "Main", "username": "apiuser@apiconnector.com", "password": "s3cret-word"}

    answer = await api.post("/v1/accounts", json=given)

    assert answer.status_code == 502
    assert answer.json()["type"].endswith("/problems/dotdigital-unreachable")
    assert "It was asked at http://127.0.0.1:9." in answer.json()["detail"]
    assert "DOTSYNC_DISCOVERY_URL" in answer.json()["detail"]
    assert await stored_accounts(database) == 0


async def test_a_place_that_tells_no_region_is_named(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    elsewhere = f"{sandbox.url}/nothing-here"
    answer = await api.post("/v1/accounts", json=body(sandbox, region_url=elsewhere))

    assert answer.status_code == 502
    assert f"It was asked at {sandbox.url}" in answer.json()["detail"]
    assert "DOTSYNC_DISCOVERY_URL" in answer.json()["detail"]
    assert "region_url" in answer.json()["detail"]


async def test_a_fault_after_the_region_was_found_stores_nothing(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    for path in ("/v2/data-fields", "/v2/address-books"):
        sandbox.sandbox.faults.remove()
        sandbox.control.add_fault("status", path=path, times=None)

        answer = await api.post("/v1/accounts", json=body(sandbox))

        assert answer.status_code == 502
        assert await stored_accounts(database) == 0


async def test_a_passing_fault_is_got_over(api: httpx.AsyncClient, sandbox: RunningSandbox) -> None:
    sandbox.control.add_fault("status", path="/v2/account-info")
    sandbox.control.add_fault("status", path="/v2/data-fields")

    await make_account_over_api(api, sandbox)


async def test_the_same_api_user_twice_is_refused_naming_the_account(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    first = await make_account_over_api(api, sandbox)
    sandbox.sandbox.calls.clear()

    again = body(sandbox, name="Other", username=sandbox.username.upper())
    answer = await api.post("/v1/accounts", json=again)

    assert answer.status_code == 409
    assert answer.json()["account_id"] == first["id"]
    assert sandbox.sandbox.calls.total == 0


async def test_two_api_users_of_one_dotdigital_account_share_its_limits(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    sandbox.control.set_settings({"rate_limits": {"highCallRate": 100}})
    sandbox.control.add_user(ApiUser("second@apiconnector.com", "s3cret", sandbox.account.id))

    first = await make_account_over_api(api, sandbox)
    second = await make_account_over_api(
        api, sandbox, username="second@apiconnector.com", password="s3cret"
    )

    first = (await api.get(f"/v1/accounts/{first['id']}")).json()
    assert first["dotdigital_account_id"] == second["dotdigital_account_id"]
    assert first["limits"] == second["limits"] != []


async def test_a_post_repeated_under_its_key_makes_one_account(
    api: httpx.AsyncClient, sandbox: RunningSandbox, database: Database
) -> None:
    key = {"Idempotency-Key": "make-main"}
    first = await api.post("/v1/accounts", json=body(sandbox), headers=key)
    second = await api.post("/v1/accounts", json=body(sandbox), headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert await stored_accounts(database) == 1


async def test_the_password_never_comes_out_again(
    api: httpx.AsyncClient,
    sandbox: RunningSandbox,
    database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = sandbox.password
    answers = [await api.post("/v1/accounts", json=body(sandbox))]
    account_id = answers[0].json()["id"]
    answers += [
        await api.get("/v1/accounts"),
        await api.get(f"/v1/accounts/{account_id}"),
        await api.patch(f"/v1/accounts/{account_id}", json={"password": secret}),
        await api.post(f"/v1/accounts/{account_id}/verify"),
        await api.post("/v1/accounts", json=body(sandbox, password=secret, surplus=1)),
        await api.post("/v1/accounts", json={"password": [secret], "username": 3}),
        await api.patch(f"/v1/accounts/{account_id}", json={"password": {"is": secret}}),
    ]

    assert all(secret not in answer.text for answer in answers)
    stored = await database.pool.fetchval("SELECT password_encrypted FROM accounts")
    assert secret.encode() not in stored
    audit = await database.pool.fetch("SELECT audit_log::text AS entry FROM audit_log")
    assert [row["entry"] for row in audit if "account_created" in row["entry"]]
    assert all(secret not in row["entry"] for row in audit)
    said = capsys.readouterr()
    assert secret not in said.out + said.err


INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "a blank name": ({"name": " "}, "/body/name"),
    "a NUL byte": ({"name": "a\x00b"}, "/body/name"),
    "a NUL byte in the password": ({"password": "a\x00b"}, "/body/password"),
    "a colon in the user name": ({"username": "a:b"}, "/body/username"),
    "a number for a name": ({"username": 7}, "/body/username"),
    "no password": ({"password": ""}, "/body/password"),
    "a URL with a blank": ({"region_url": "a b"}, "/body/region_url"),
    "a field that is not taken": ({"state": "ok"}, "/body/state"),
    "a name that is too long": ({"name": "x" * 201}, "/body/name"),
}


async def test_what_does_not_validate_is_refused_before_anything_is_sent(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    for why, (change, pointer) in INVALID.items():
        answer = await api.post("/v1/accounts", json=body(sandbox, **change))

        assert answer.status_code == 422, why
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], why
    assert sandbox.sandbox.calls.total == 0


async def test_half_a_surrogate_pair_and_broken_json_are_refused(
    api: httpx.AsyncClient,
) -> None:
    headers = {"Content-Type": "application/json"}
    for content in (b'{"name": "\\ud800", "username": "a", "password": "b"}', b'{"name": '):
        answer = await api.post("/v1/accounts", content=content, headers=headers)
        assert answer.status_code == 422
        assert answer.json()["errors"]


async def test_an_id_that_is_no_account_is_told(api: httpx.AsyncClient) -> None:
    for account_id in ("99", "0", str(2**63), "9" * 40, "main"):
        expected = 404 if account_id == "99" else 422
        path = f"/v1/accounts/{account_id}"
        for answer in (
            await api.get(path),
            await api.patch(path, json={"name": "New"}),
            await api.delete(path),
            await api.post(f"{path}/verify"),
            await api.get(f"{path}/data-fields"),
            await api.get(f"{path}/activity-settings"),
        ):
            assert answer.status_code == expected, (account_id, answer.text)


async def test_accounts_page_by_cursor(api: httpx.AsyncClient, database: Database) -> None:
    for number in range(3):
        await make_account(database, username=f"user{number}")

    first = (await api.get("/v1/accounts", params={"limit": 2})).json()
    second = (
        await api.get("/v1/accounts", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()

    names = [each["username"] for page in (first, second) for each in page["items"]]
    assert names == ["user0", "user1", "user2"]
    assert second["next_cursor"] is None
    foreign = await api.get("/v1/mappings", params={"cursor": first["next_cursor"]})
    assert foreign.status_code == 422
    for limit in (0, 10**9):
        assert (await api.get("/v1/accounts", params={"limit": limit})).status_code == 422


async def test_limits_and_calls_come_from_our_own_tables(
    api: httpx.AsyncClient, database: Database, clock: FakeClock
) -> None:
    now = clock.now()
    account = await make_account(
        database,
        usage={"calls_last_hour": 37, "calls_left": 1963, "lists_used": 12},
        usage_read_at=now - timedelta(minutes=10),
    )
    async with database.writing() as session:
        session.add(
            RateBucket(
                account_key="1001",
                scope="lowCallRate",
                limit=150,
                remaining=41.5,
                window_s=60,
                resets_at=now + timedelta(seconds=20),
            )
        )
    await make_run(database, account, calls={"lowCallRate": 4}, finished_at=now)
    long_ago = now - timedelta(minutes=20)
    await make_run(database, account, calls={"lowCallRate": 900}, finished_at=long_ago)
    await make_run(database, account, status="running", calls={"lowCallRate": 2, "highCallRate": 3})

    shown = (await api.get(f"/v1/accounts/{account.id}")).json()

    assert shown["limits"] == [
        {
            "scope": "lowCallRate",
            "limit": 150,
            "remaining": 41,
            "resets_at": "2026-01-05T09:00:20Z",
        }
    ]
    assert (shown["calls_last_hour"], shown["calls_left"]) == (46, 1954)
    assert shown["lists_used"] == 12


async def test_a_get_asks_nothing_of_dotdigital(
    api: httpx.AsyncClient, sandbox: RunningSandbox
) -> None:
    made = await make_account_over_api(api, sandbox)
    sandbox.sandbox.calls.clear()

    await api.get(f"/v1/accounts/{made['id']}")
    await api.get("/v1/accounts")

    assert sandbox.sandbox.calls.total == 0


async def test_an_account_that_lists_go_to_stays(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    mailing_list = await make_list(database, account)

    answer = await api.delete(f"/v1/accounts/{account.id}")

    assert answer.status_code == 409
    assert answer.json()["list_ids"] == [mailing_list.id]
    assert await stored_accounts(database) == 1


async def test_an_account_with_an_active_run_stays(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    run = await make_run(database, account, status="queued")

    answer = await api.delete(f"/v1/accounts/{account.id}")

    assert answer.status_code == 409
    assert answer.json()["run_id"] == run.id
    assert await stored_accounts(database) == 1


async def test_a_deleted_account_takes_its_own_with_it_and_says_how_many_links(
    api: httpx.AsyncClient, database: Database
) -> None:
    account = await make_account(database)
    other = await make_account(database, username="other")
    await make_mapping(database, account)
    await make_run(database, account)
    people = await make_people(database, 2)
    for person in people:
        await make_link(database, account, person)
    unlinked = await make_person(database)
    await make_link(database, account, unlinked, contact_id=None, state="not_eligible")
    await make_link(database, other, unlinked)

    answer = await api.delete(f"/v1/accounts/{account.id}")

    assert answer.status_code == 200
    assert answer.json() == {"id": account.id, "links_deleted": 2}
    assert (await api.get(f"/v1/accounts/{account.id}")).status_code == 404
    for table in ("contact_links", "person_changes", "mappings", "runs", "jobs"):
        left = await database.pool.fetchval(
            f"SELECT count(*) FROM {table} WHERE account_id = $1", account.id
        )
        assert left == 0, table
    assert await database.pool.fetchval("SELECT count(*) FROM people") == 3
    assert await database.pool.fetchval("SELECT count(*) FROM contact_links") == 1


async def test_a_stale_version_deletes_nothing(api: httpx.AsyncClient, database: Database) -> None:
    account = await make_account(database)

    answer = await api.delete(f"/v1/accounts/{account.id}", headers={"If-Match": '"7"'})

    assert answer.status_code == 412
    assert await stored_accounts(database) == 1
