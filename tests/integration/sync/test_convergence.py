"""Whatever both sides do, and in whatever order the jobs run: in the end they say the same.

Each example goes on two real sides, a database and a sandbox over HTTP, whose clocks go by minutes.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.db import Database
from app.models import Account
from app.settings import Settings
from app.sync.rules.mailability import is_suppressed
from sandbox.server import RunningSandbox, running_sandbox
from tests.clock import START, FakeClock
from tests.factories.engines import Replica, make_usable_account, replica
from tests.factories.mappings import make_mapping
from tests.factories.people import make_person
from tests.integration.sync.agreed_values import AgreedValues, Key, Value

Answer = TypeVar("Answer")

#: As many examples as that, for a long look: DOTSYNC_TEST_DEEP=300.
_DEEP = int(os.environ.get("DOTSYNC_TEST_DEEP", "0"))

EMAILS = st.sampled_from(["ann@example.com", "bob@example.com", "Ann@Example.com"])
WORDS = st.sampled_from([None, "red", "green", "blue"])
FIELDS = {
    "FIRSTNAME": ("first_name", "two_way", "prefer_dotsync", "clear"),
    "LASTNAME": ("last_name", "two_way", "prefer_dotdigital", "clear"),
    "POSTCODE": ("postcode", "two_way", "latest", "clear"),
    "TOWN": ("city", "from_dotdigital", "prefer_dotdigital", "clear"),
    "JOB": ("job_title", "to_dotdigital", "prefer_dotsync", "clear"),
    "SCORE": ("custom.score", "two_way", "prefer_dotsync", "keep"),
}
EDITED_HERE = ["FIRSTNAME", "LASTNAME", "POSTCODE", "JOB"]
EDITED_THERE = ["FIRSTNAME", "LASTNAME", "POSTCODE", "TOWN"]
#: Those whose rule needs no times, and whose blank is a value.
DECIDED = {
    name: rule
    for name, (_, direction, rule, when_blank) in FIELDS.items()
    if (direction, when_blank) == ("two_way", "clear") and rule != "latest"
}
WRITES = ("PUT", "DELETE", "PATCH")
#: Calls by POST that write.
WRITING_POSTS = ("unsubscribe", "resubscribe", "delete", "no-challenge")


class Sides(RuleBasedStateMachine):
    """A database and a sandbox, which the jobs keep in step."""

    runner: asyncio.Runner
    database_url: str
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.minutes = 0
        self.last_conflict = 0
        #: The last wish of each address: what it was, and whether it was spoken here.
        self.wishes: dict[str, str] = {}
        self.muddled: set[str] = set()
        self.agreed = AgreedValues(DECIDED)
        self.stack = contextlib.AsyncExitStack()

    def do(self, awaitable: Awaitable[Answer]) -> Answer:
        async def waited() -> Answer:
            return await awaitable

        return self.runner.run(waited())

    @initialize(sent=st.booleans())
    def begin(self, sent: bool) -> None:
        """Begin with two people, who are contacts already or not."""
        self.do(self._begin())
        for email in ("ann@example.com", "bob@example.com"):
            self.do(make_person(self.database, email=email, first_name="red"))
        if sent:
            self._run("send_people")
            self._run("retrieve_people")

    async def _begin(self) -> None:
        self.sandbox: RunningSandbox = await self.stack.enter_async_context(running_sandbox())
        self.clock = FakeClock()
        self.database = Database(self.database_url, pool_size=3)
        await self.database.open()
        self.stack.push_async_callback(self.database.close)
        await self.database.pool.execute(
            "TRUNCATE people, accounts, rate_buckets, address_opt_outs RESTART IDENTITY CASCADE"
        )
        given = Settings(
            _env_file=None,
            database_url=self.database_url,
            database_pool_size=3,
            data_dir=self.folder,
            discovery_url=self.sandbox.url,
            allowed_hosts=("127.0.0.1",),
            scheduler_enabled=False,
            worker_enabled=False,
        )
        self.here: Replica = await self.stack.enter_async_context(
            replica(self.database, self.clock, given)
        )
        self.account: Account = await make_usable_account(
            self.database,
            given,
            username=self.sandbox.username,
            password=self.sandbox.password,
            endpoint=self.sandbox.url,
            dotdigital_account_id=self.sandbox.account.id,
        )
        await self.database.pool.execute(
            "UPDATE accounts SET settings = $1", {"resubscribe_mode": "no_challenge"}
        )
        self._move_clocks()
        for name, (path, direction, conflict_rule, when_blank) in FIELDS.items():
            kind = "Numeric" if name == "SCORE" else "String"
            if name in {"TOWN", "JOB", "SCORE"}:
                self.sandbox.control.add_data_field(name, kind)
            await make_mapping(
                self.database,
                self.account,
                person_field=path,
                dotdigital_field=name,
                data_field_type=kind,
                direction=direction,
                conflict_rule=conflict_rule,
                when_blank=when_blank,
            )
        self.preference = self.sandbox.control.add_preference("News").id
        await make_mapping(
            self.database,
            self.account,
            kind="preference",
            person_field="custom.news",
            dotdigital_field="News",
            preference_id=self.preference,
            data_field_type=None,
            direction="two_way",
        )

    def _move_clocks(self) -> None:
        self.minutes += 2
        now = START + timedelta(minutes=self.minutes)
        self.clock.advance((now - self.clock.now()).total_seconds())
        written = self.clock.now().isoformat().replace("+00:00", "Z")
        self.sandbox.control.move_clock(to=written, frozen=True)

    # Here.

    @rule(email=EMAILS, first_name=WORDS)
    def add_person(self, email: str, first_name: str | None) -> None:
        self._move_clocks()
        self.do(make_person(self.database, email=email, first_name=first_name))

    @rule(email=EMAILS, name=st.sampled_from(EDITED_HERE), word=WORDS)
    def edit_here(self, email: str, name: str, word: str | None) -> None:
        self._move_clocks()
        column = FIELDS[name][0]
        self._execute(f"UPDATE people SET {column} = $2 WHERE email_key = lower($1)", email, word)

    @rule(email=EMAILS, score=st.sampled_from([1, 2.5]), news=st.booleans())
    def edit_custom_here(self, email: str, score: float, news: bool) -> None:
        self._move_clocks()
        custom = {"score": score, "news": news}
        self._execute(
            "UPDATE people SET custom = custom || $2 WHERE email_key = lower($1)", email, custom
        )

    @rule(email=EMAILS)
    def opt_out_here(self, email: str) -> None:
        self._move_clocks()
        changed = self._execute(
            "UPDATE people SET no_email = true, opted_out_at = $2"
            " WHERE email_key = lower($1) AND NOT no_email AND deleted_at IS NULL",
            email,
            self.clock.now(),
        )
        if changed != "UPDATE 0":
            self.wishes[email.lower()] = "out"

    @rule(email=EMAILS)
    def opt_in_here(self, email: str) -> None:
        self._move_clocks()
        changed = self._execute(
            "UPDATE people SET no_email = false, opted_in_at = $2"
            " WHERE email_key = lower($1) AND no_email AND deleted_at IS NULL",
            email,
            self.clock.now(),
        )
        if changed != "UPDATE 0":
            self.wishes[email.lower()] = "in"

    @rule(email=EMAILS)
    def delete_here(self, email: str) -> None:
        self._move_clocks()
        self.muddled.add(email.lower())
        self._execute(
            "UPDATE people SET deleted_at = now() WHERE id ="
            " (SELECT min(id) FROM people WHERE email_key = lower($1) AND deleted_at IS NULL)",
            email,
        )

    def _execute(self, statement: str, *values: object) -> str:
        done: str = self.do(self.database.pool.execute(statement, *values))
        return done

    # There.

    @rule(email=EMAILS, first_name=WORDS)
    def add_contact(self, email: str, first_name: str | None) -> None:
        self._move_clocks()
        if self._contact(email) is None:
            self.sandbox.control.add_contacts(
                [{"identifiers": {"email": email}, "dataFields": {"FIRSTNAME": first_name}}]
            )
            self.muddled.add(email.lower())

    @rule(email=EMAILS, name=st.sampled_from(EDITED_THERE), word=WORDS)
    def edit_there(self, email: str, name: str, word: str | None) -> None:
        self._move_clocks()
        if self._contact(email) is not None:
            self.sandbox.control.edit(email, data_fields={name: word})

    @rule(
        email=EMAILS,
        name=st.sampled_from(sorted(DECIDED)),
        words=st.permutations(["red", "green", "blue"]),
        job=st.sampled_from(["send_people", "send_people", "retrieve_people"]),
    )
    def edit_both(self, email: str, name: str, words: list[str], job: str) -> None:
        self.edit_here(email, name, words[0])
        self.edit_there(email, name, words[1])
        self._move_clocks()
        self._run(job)

    @rule(email=EMAILS, score=st.sampled_from([None, 1, 4]), news=st.booleans())
    def edit_typed_there(self, email: str, score: int | None, news: bool) -> None:
        self._move_clocks()
        if self._contact(email) is not None:
            self.sandbox.control.edit(email, data_fields={"SCORE": score})
            self.sandbox.control.answer_preference(email, self.preference, opted_in=news)

    @rule(email=EMAILS)
    def unsubscribe_there(self, email: str) -> None:
        self._move_clocks()
        contact = self._contact(email)
        if contact is not None and not is_suppressed(contact["status"]):
            self.sandbox.control.unsubscribe(email)
            self.wishes[email.lower()] = "out"

    @rule(email=EMAILS)
    def resubscribe_there(self, email: str) -> None:
        self._move_clocks()
        contact = self._contact(email)
        if contact is not None and is_suppressed(contact["status"]):
            self.sandbox.control.resubscribe(email)
            self.wishes[email.lower()] = "in"

    @rule(email=EMAILS)
    def bounce_there(self, email: str) -> None:
        self._move_clocks()
        contact = self._contact(email)
        if contact is not None and not is_suppressed(contact["status"]):
            self.sandbox.control.hard_bounce(email)
            self.muddled.add(email.lower())

    @rule(email=EMAILS)
    def delete_there(self, email: str) -> None:
        self._move_clocks()
        if self._contact(email) is not None:
            self.sandbox.control.delete(email)
            self.muddled.add(email.lower())

    def _contact(self, email: str) -> dict[str, Any] | None:
        found = self.sandbox.account.find("email", email)
        return None if found is None else self.sandbox.control.read_contact(found.id)

    # The jobs.

    @rule(job=st.sampled_from(["send_people", "retrieve_people"]))
    def run_job(self, job: str) -> None:
        self._move_clocks()
        self._run(job)

    @rule()
    @precondition(lambda self: self.minutes > 10)
    def retrieve_everything(self) -> None:
        self._move_clocks()
        self._run("retrieve_people", "full")

    def _run(self, job: str, mode: str = "changes") -> None:
        before = self._values()
        asked = self.sandbox.sandbox.calls.by_template["GET /contacts/v3"]
        run = self.do(self.here.run(self.account, job, mode))
        assert run["status"] == "succeeded", (run["error"], run["counts"])
        has_read = self.sandbox.sandbox.calls.by_template["GET /contacts/v3"] > asked
        self.agreed.check(before, self._values(), self._new_conflicts(), has_read=has_read)

    def _values(self) -> dict[Key, Value]:
        """Return what both sides say of each person who is linked."""
        found = {}
        for row in self.do(self._linked()):
            if self.sandbox.account.find("contactId", str(row["contact_id"])) is None:
                continue
            theirs = self.sandbox.control.read_contact(row["contact_id"])["dataFields"]
            for name in DECIDED:
                key = (row["id"], row["contact_id"], name)
                found[key] = Value(row[FIELDS[name][0]], theirs.get(name))
        return found

    def _new_conflicts(self) -> set[tuple[int, str]]:
        rows = self.do(
            self.database.pool.fetch(
                "SELECT id, person_id, dotdigital_field FROM conflicts WHERE id > $1 ORDER BY id",
                self.last_conflict,
            )
        )
        self.last_conflict = rows[-1]["id"] if rows else self.last_conflict
        return {(row["person_id"], row["dotdigital_field"]) for row in rows}

    # The end.

    def teardown(self) -> None:
        try:
            if hasattr(self, "account"):
                self._come_to_rest()
        finally:
            self.do(self.stack.aclose())

    def _come_to_rest(self) -> None:
        for _ in range(3):
            self._run("retrieve_people", "full")
            self._move_clocks()
            self._run("send_people")
            self._run("retrieve_people")
        self._run("retrieve_people", "full")
        self.sandbox.sandbox.calls.clear()
        people = self._state_here()
        self._move_clocks()
        self._run("send_people")
        self._run("retrieve_people", "full")
        self._run("send_people")
        written = {
            call: count
            for call, count in self.sandbox.sandbox.calls.by_template.items()
            if call.startswith(WRITES) or (call.startswith("POST") and call.endswith(WRITING_POSTS))
        }
        assert written == {}, "a quiet round writes nothing there"
        assert self._state_here() == people, "nor here"
        assert self.do(self.database.pool.fetch("SELECT * FROM person_changes")) == []
        for row in self.do(self._linked()):
            self._check_agreement(row)
        for email, wish in self.wishes.items():
            if wish == "out" and email not in self.muddled:
                self._check_out(email)

    def _state_here(self) -> list[tuple[int, int]]:
        rows = self.do(self.database.pool.fetch("SELECT id, version FROM people ORDER BY id"))
        return [tuple(row) for row in rows]

    async def _linked(self) -> list[Mapping[str, Any]]:
        rows: list[Mapping[str, Any]] = await self.database.pool.fetch(
            "SELECT person.*, link.contact_id, EXISTS (SELECT FROM people AS other"
            "   WHERE other.email_key = person.email_key AND other.no_email"
            "     AND other.deleted_at IS NULL) AS is_out"
            " FROM people AS person JOIN contact_links AS link ON link.person_id = person.id"
            " WHERE link.contact_id IS NOT NULL AND person.deleted_at IS NULL"
        )
        return rows

    def _check_agreement(self, row: Mapping[str, Any]) -> None:
        contact = self.sandbox.control.read_contact(row["contact_id"])
        theirs = contact["dataFields"]
        for name, (path, *_) in FIELDS.items():
            ours = row["custom"].get("score") if path == "custom.score" else row[path]
            if name == "SCORE" and ours is None:
                continue
            assert theirs.get(name) == ours, (name, theirs, dict(row))
        opted_in = any(each["id"] == self.preference for each in contact.get("preferences", ()))
        assert bool(row["custom"].get("news")) == opted_in
        status = contact["channelProperties"]["email"]["status"]
        if status != "hardBounced":
            assert is_suppressed(status) == row["is_out"], (status, dict(row))

    def _check_out(self, email: str) -> None:
        contact = self._contact(email)
        assert contact is None or is_suppressed(contact["channelProperties"]["email"]["status"])
        rows = self.do(
            self.database.pool.fetch(
                "SELECT no_email FROM people WHERE email_key = $1 AND deleted_at IS NULL", email
            )
        )
        assert not rows or any(row["no_email"] for row in rows)


@pytest.fixture
def own_loop() -> Iterator[asyncio.Runner]:
    """Give a loop that runs when the test says so."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner


def test_both_sides_come_to_say_the_same(
    own_loop: asyncio.Runner, database_url: str, tmp_path: Path
) -> None:
    Sides.runner, Sides.database_url, Sides.folder = own_loop, database_url, tmp_path
    run_state_machine_as_test(
        Sides,
        settings=settings(
            max_examples=_DEEP or 10,
            stateful_step_count=30 if _DEEP else 15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
