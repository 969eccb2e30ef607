"""send_people when things go wrong: on the way, in Dotdigital, and in the account's credentials."""

from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.models import Account
from app.services.cipher import CredentialsCipher, key_kept_in
from app.sync.statements import statements
from sandbox.server import RunningSandbox
from tests.clock import FakeClock
from tests.factories.accounts import make_account
from tests.factories.engines import Replica
from tests.factories.people import make_people, make_person
from tests.integration.sync.traces import calls, due

IMPORT_FAULTS = [
    pytest.param({"kind": "job_ends", "job_status": "Failed"}, "import_failed", id="fails whole"),
    pytest.param(
        {"kind": "job_ends", "job_status": "RejectedByWatchdog"},
        "RejectedByWatchdog",
        id="stopped by the watchdog",
    ),
    pytest.param(
        {"kind": "job_ends", "job_status": "ExceedsAllowedContactLimit"},
        "ExceedsAllowedContactLimit",
        id="allowance used up",
    ),
    pytest.param({"kind": "report_loses", "share": 1.0}, "not_in_report", id="report is empty"),
]


@pytest.mark.parametrize("fault, code", IMPORT_FAULTS)
async def test_import_that_goes_wrong_leaves_everyone_due_with_the_reason(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, fault: dict[str, Any], code: str
) -> None:
    people = await make_people(here.database, 2)
    sandbox.control.add_fault(path="/contacts/v3/import", **fault)
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["failed"]) == ("partial", 2)
    assert await due(here) == [person.id for person in people]
    codes = await here.database.pool.fetch("SELECT code FROM failures")
    assert {row["code"] for row in codes} == {code}
    assert await here.database.pool.fetchval("SELECT count(*) FROM import_records") == 0


async def test_answer_that_is_lost_after_dotdigital_took_the_import_costs_a_repeat(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 2)
    sandbox.control.add_fault("lost_answer", method="PUT", path="/contacts/v3/import")
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "succeeded"
    assert len(list(sandbox.account.contacts)) == 2
    assert await due(here) == []


async def test_outage_ends_the_run_and_loses_nobody(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    people = await make_people(here.database, 2)
    fault = sandbox.control.add_fault("status", status=503, times=None)
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "failed"
    assert await due(here) == [person.id for person in people]
    assert await here.database.pool.fetchval("SELECT count(*) FROM import_records") == 0
    assert await here.database.pool.fetchval("SELECT state FROM accounts") == "unreachable"

    sandbox.sandbox.faults.remove(fault.id)
    assert isinstance(here.clock, FakeClock)
    here.clock.advance(600)
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 2)
    assert await here.database.pool.fetchval("SELECT state FROM accounts") == "ok"


async def test_record_that_spoils_a_whole_import_is_found_by_halving(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 4)
    body = {"errorCode": "contacts:badRequest", "description": "a contact can't be read"}
    # The whole, then the half with the bad one, then the bad one: the rest go through.
    for after in (0, 0, 0):
        sandbox.control.add_fault(
            "status", method="PUT", path="/contacts/v3/import", status=400, body=body, after=after
        )
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["created"], run["counts"]["failed"]) == (3, 1)
    failure = await here.database.pool.fetchrow("SELECT * FROM failures")
    assert failure["code"] == "contacts:badRequest"


async def test_other_integrations_that_hold_every_slot_are_waited_for(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 1)
    body = {"errorCode": "contacts:tooManyActiveImports", "description": "wait"}
    sandbox.control.add_fault(
        "status", method="PUT", path="/contacts/v3/import", status=429, body=body, times=3
    )
    run = await here.run(sandboxed, "send_people")
    assert run["status"] == "succeeded"
    blocked = await here.database.pool.fetchval(
        "SELECT count(*) FROM rate_buckets WHERE blocked_until IS NOT NULL"
    )
    assert blocked == 0, "a slot is not the rate limit"


async def test_bad_credentials_stop_the_account_and_nobody_else(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 1)
    other = await make_account(
        here.database,
        name="Wrong",
        username=sandbox.username,
        endpoint=sandbox.url,
        password_encrypted=await _encrypted_like(here, sandboxed, "wrong"),
        dotdigital_account_id=sandbox.account.id,
    )
    failed = await here.run(other, "send_people")
    assert failed["status"] == "failed"
    states = await here.database.pool.fetch("SELECT state FROM accounts ORDER BY id")
    assert [row["state"] for row in states] == ["ok", "bad_credentials"]
    assert (await here.run(sandboxed, "send_people"))["status"] == "succeeded"


async def _encrypted_like(here: Replica, account: Account, password: str) -> bytes:

    assert account.id
    return CredentialsCipher([key_kept_in(here.settings.data_dir)]).encrypt(password)


async def test_batches_keep_to_the_accounts_size(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, database: Database
) -> None:
    await database.pool.execute(
        """UPDATE accounts SET settings = '{"batch_size": 10, "max_open_imports": 1}'"""
    )
    await make_people(database, 25)
    run = await here.run(sandboxed, "send_people")
    assert (run["counts"]["imports"], run["counts"]["created"]) == (3, 25)
    assert calls(sandbox)["PUT /contacts/v3/import"] == 3


async def test_account_that_moved_to_another_region_is_found_again(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    await make_people(here.database, 2)
    sandbox.control.move_account("r3")
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 2)
    endpoint = await here.database.pool.fetchval("SELECT endpoint FROM accounts")
    assert endpoint == sandbox.urls["r3"]


async def test_mapping_made_under_a_run_is_in_everything_that_was_not_sent_yet(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox
) -> None:
    """The first import's own intent makes the mapping, so that the second one finds it changed."""
    await here.database.pool.execute(
        """UPDATE accounts SET settings = '{"batch_size": 10, "max_open_imports": 1}'"""
    )
    await make_people(here.database, 30, city="York")
    sandbox.control.add_data_field("CITY")
    await here.database.pool.execute(
        """
        CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO mappings (account_id, person_field, dotdigital_field, data_field_type)
            SELECT NEW.account_id, 'city', 'CITY', 'String'
            WHERE NOT EXISTS (SELECT FROM mappings WHERE dotdigital_field = 'CITY');
            RETURN NULL;
        END $$;
        CREATE TRIGGER meddle AFTER INSERT ON imports FOR EACH ROW EXECUTE FUNCTION meddle();
        """
    )
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 30)
    cities = [
        sandbox.control.read_contact(contact.id)["dataFields"].get("CITY")
        for contact in sandbox.account.contacts
    ]
    assert cities.count("York") == 20
    events = await here.database.pool.fetch("SELECT event FROM run_events ORDER BY id")
    assert "mappings_or_settings_changed" in {row["event"] for row in events}


async def test_news_that_leaves_the_version_as_it_is_keeps_the_person_due(
    here: Replica, sandboxed: Account
) -> None:
    """A member who joins while the run decides, say: it counts by its instant."""
    (person,) = await make_people(here.database, 1)
    seen_at = await here.database.pool.fetchval("SELECT changed_at FROM person_changes")
    for late, left in ((True, [person.id]), (False, [])):
        await here.database.pool.execute(
            "UPDATE person_changes SET changed_at = $1", seen_at + timedelta(seconds=late)
        )
        await here.database.pool.execute(
            statements("send_people")["hold_back"],
            sandboxed.id,
            [person.id],
            [person.version],
            ["not_eligible"],
            ["not_on_a_list"],
            [None],
            [seen_at],
        )
        assert await due(here) == left


async def test_failure_of_what_no_longer_stands_puts_nobody_off(
    here: Replica, sandboxed: Account
) -> None:
    """A mapping that is mended while the run decides, say: it leaves the version as it is."""
    (person,) = await make_people(here.database, 1)
    seen_at = await here.database.pool.fetchval("SELECT changed_at FROM person_changes")
    for late, is_due in ((True, True), (False, False)):
        await here.database.pool.execute(
            "UPDATE person_changes SET changed_at = $1", seen_at + timedelta(seconds=late)
        )
        await here.database.pool.execute(
            statements("failures")["record_people"],
            sandboxed.id,
            [person.id],
            [person.version],
            [seen_at],
            ["value_mismatch"],
            ["It doesn't fit."],
            [None],
            None,
            here.clock.now(),
        )
        found = await here.database.pool.fetchval(
            "SELECT next_attempt_at <= $1 FROM person_changes", here.clock.now()
        )
        assert found == is_due


@pytest.mark.parametrize(
    "room, name, given",
    [
        pytest.param(
            "send_people", "hold_back", (["not_eligible"], ["not_on_a_list"], [None]), id="held"
        ),
        pytest.param("failures", "record_people", (["refused"], ["No."], [None]), id="failing"),
    ],
)
async def test_who_is_erased_while_the_run_decides_stops_nobody(
    here: Replica, sandboxed: Account, room: str, name: str, given: tuple[list[str | None], ...]
) -> None:
    erased, other = await make_people(here.database, 2)
    seen_at = await here.database.pool.fetchval("SELECT max(changed_at) FROM person_changes")
    await here.database.pool.execute(
        f"SET dotsync.erasing = 'on'; DELETE FROM people WHERE id = {erased.id};"
        "RESET dotsync.erasing"
    )
    columns = [[each[0]] * 2 for each in given]
    versions, instants = [1, 1], [seen_at] * 2
    values = (
        [versions, *columns, instants]
        if name == "hold_back"
        else [versions, instants, *columns, None, here.clock.now()]
    )
    await here.database.pool.execute(
        statements(room)[name], sandboxed.id, [erased.id, other.id], *values
    )
    links = await here.database.pool.fetch("SELECT person_id FROM contact_links")
    assert [row["person_id"] for row in links] == [other.id]
    failing = await here.database.pool.fetch("SELECT subject_id FROM failures")
    assert {row["subject_id"] for row in failing} <= {other.id}


async def on_intent(here: Replica, statement: str) -> None:
    """Let this happen once, just when the first import is written down."""
    await here.database.pool.execute(
        f"""
        CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.id = 1 THEN {statement}; END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER meddle AFTER INSERT ON imports FOR EACH ROW EXECUTE FUNCTION meddle();
        """
    )


MOVED_ON = [
    pytest.param("UPDATE people SET no_email = true WHERE id = 1", id="opted out"),
    pytest.param("UPDATE people SET no_email = true WHERE id = 3", id="sharer opted out"),
    pytest.param("DELETE FROM people WHERE id = 1", id="deleted"),
    pytest.param(
        "PERFORM set_config('dotsync.erasing', 'on', true); DELETE FROM people WHERE id = 1",
        id="erased",
    ),
]


@pytest.mark.parametrize("statement", MOVED_ON)
async def test_person_who_changes_between_reading_and_sending_is_not_sent_as_read(
    here: Replica, sandboxed: Account, sandbox: RunningSandbox, statement: str
) -> None:
    await make_person(here.database, email="first@example.com")
    await make_person(here.database, email="second@example.com")
    await make_person(here.database, email="first@example.com", sync_with_mailer=False)
    await on_intent(here, statement)
    run = await here.run(sandboxed, "send_people")
    assert (run["status"], run["counts"]["created"]) == ("succeeded", 1)
    assert [contact.email for contact in sandbox.account.contacts] == ["second@example.com"]
    assert await here.database.pool.fetchval("SELECT count(*) FROM import_records") == 0


async def test_run_that_made_no_call_says_nothing_of_the_credentials(
    here: Replica, sandboxed: Account
) -> None:
    await here.database.pool.execute("UPDATE accounts SET state = 'bad_credentials'")
    await here.run(sandboxed, "send_people")
    assert await here.database.pool.fetchval("SELECT state FROM accounts") == "bad_credentials"
