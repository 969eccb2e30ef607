"""Opt-out wins, whatever both sides do in whatever order, and wherever a run dies."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

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

from tests.integration.sync.both_sides import BothSides, both_sides

#: As many as that, for a long look: DOTSYNC_TEST_DEEP=2000.
_DEEP = int(os.environ.get("DOTSYNC_TEST_DEEP", "0"))
_SETTINGS = settings(
    max_examples=_DEEP or 20,
    stateful_step_count=30 if _DEEP else 12,
    deadline=None,
    derandomize=not _DEEP,
    suppress_health_check=list(HealthCheck),
)

#: Mostly one address, so that people meet there.
EMAILS = st.sampled_from(["ann@x.example"] * 4 + ["Ann@X.example", "bob@x.example"])
ELSEWHERE = st.sampled_from(["bob@x.example", "cat@x.example", "ann@x.example", None])
WHO = st.integers(0, 2)
#: Minutes that pass first; none, and two things are said at the same time.
PAUSE = st.sampled_from([10, 10, 10, 0])
IMPORT = "/contacts/v3/import"
FAULTS = [
    ("job_hangs", IMPORT, {}),
    ("job_ends", IMPORT, {"job_status": "Failed"}),
    ("report_loses", IMPORT, {"share": 1.0}),
    ("lost_answer", IMPORT, {"times": 9}),
    ("lost_answer", IMPORT, {"times": 1}),
    ("reset", IMPORT, {"times": 9}),
    ("lost_answer", "/v2/contacts/resubscribe*", {"times": 9}),
    ("lost_answer", "/v2/contacts/resubscribe*", {"times": 1}),
    ("reset", "/v2/contacts/resubscribe*", {"times": 9}),
    ("lost_answer", "/v2/contacts/suppress-contacts", {"times": 9}),
    ("reset", "/v2/contacts/suppress-contacts", {"times": 9}),
    ("lost_answer", "/v2/contacts/unsubscribe", {"times": 9}),
    ("reset", "/v2/contacts/suppressed-since/*", {"times": 9}),
    ("lost_answer", "/contacts/v3/contactId/*", {"times": 9}),
    ("reset", "/contacts/v3/email/*", {"times": 9}),
]
SETTINGS = [
    {"resubscribe_mode": "never"},
    {"resubscribe_mode": "challenge"},
    {"resubscribe_mode": "no_challenge"},
    {"resubscribe_mode": "no_challenge"},
    {"suppress_unknown": False},
    {"suppress_unknown": True},
    {"email_conflict": "relink"},
    {"email_conflict": "fail"},
]


def some(condition: str) -> Callable[["OptOutWins"], bool]:
    """Let a rule play only where it changes somebody."""
    return lambda machine: bool(machine.world.who(condition))


class OptOutWins(RuleBasedStateMachine):
    """Both sides at play."""

    stage: "Stage"

    def __init__(self) -> None:
        super().__init__()
        self.world = self.stage.world
        self.is_broken = False
        self.stage.runner.run(self.world.begin())

    def play(self, part: Coroutine[Any, Any, Any], pause: int = 10) -> None:
        self.world.clock.advance(pause * 60)
        try:
            self.stage.runner.run(part)
        except BaseException:
            self.is_broken = True
            raise

    @initialize(
        mode=st.sampled_from(["no_challenge", "no_challenge", "challenge", "never"]),
        people=st.lists(st.tuples(EMAILS, st.booleans()), min_size=1, max_size=3),
        suppress_unknown=st.booleans(),
    )
    def begin(self, mode: str, people: list[tuple[str, bool]], suppress_unknown: bool) -> None:
        self.play(self.world.set_account(resubscribe_mode=mode, suppress_unknown=suppress_unknown))
        for email, no_email in people:
            self.play(self.world.make(email, no_email=no_email))

    @precondition(lambda self: len(self.world.ids) < 4)
    @rule(email=EMAILS, no_email=st.booleans())
    def make(self, email: str, no_email: bool) -> None:
        self.play(self.world.make(email, no_email=no_email))

    @precondition(some("there"))
    @rule(who=WHO, change=st.sampled_from(["rename", "tick", "untick"]))
    def change(self, who: int, change: str) -> None:
        values: dict[str, dict[str, object]] = {
            "rename": {"first_name": str(self.world.clock.now())},
            "tick": {"sync_with_mailer": True},
            "untick": {"sync_with_mailer": False},
        }
        self.play(self.world.change("there", who, **values[change]))

    @precondition(some("there"))
    @rule(who=WHO, email=st.one_of(EMAILS, ELSEWHERE))
    def readdress(self, who: int, email: str | None) -> None:
        self.play(self.world.change("there", who, email=email))

    @precondition(some("opted in"))
    @rule(who=WHO, pause=PAUSE)
    def opt_out(self, who: int, pause: int) -> None:
        self.play(self.world.opt_out(who), pause)

    @precondition(some("opted out"))
    @rule(who=WHO, pause=PAUSE)
    def opt_in(self, who: int, pause: int) -> None:
        self.play(self.world.opt_in(who), pause)

    @precondition(some("there"))
    @rule(who=WHO)
    def delete(self, who: int) -> None:
        self.play(self.world.change("there", who, deleted_at=self.world.clock.now()))

    @precondition(some("deleted"))
    @rule(who=WHO)
    def undelete(self, who: int) -> None:
        self.play(self.world.change("deleted", who, deleted_at=None))

    @precondition(lambda self: len(self.world.who("there")) > 1)
    @rule(loser=WHO, survivor=WHO)
    def merge(self, loser: int, survivor: int) -> None:
        self.play(self.world.merge(loser, survivor))

    @rule(setting=st.sampled_from(SETTINGS))
    def set_account(self, setting: dict[str, Any]) -> None:
        self.play(self.world.set_account(**setting))

    @rule(
        email=EMAILS,
        status=st.sampled_from(["unsubscribed", "unsubscribed", "hardBounced", "suppressed"]),
    )
    def suppress_there(self, email: str, status: str) -> None:
        self.play(self.world.suppress_there(email, status))

    @rule(
        email=EMAILS,
        what=st.sampled_from(["add", "come back", "delete", "delete for good", "readdress"]),
        new=ELSEWHERE,
    )
    def touch_there(self, email: str, what: str, new: str | None) -> None:
        match what:
            case "add":
                self.play(self.world.add_there(email))
            case "come back":
                self.play(self.world.come_back_there(email))
            case "readdress":
                self.play(self.world.readdress_there(email, new or "dan@x.example"))
            case _:
                self.play(self.world.delete_there(email, for_good=what == "delete for good"))

    @rule(fault=st.sampled_from(FAULTS))
    def add_fault(self, fault: tuple[str, str, dict[str, Any]]) -> None:
        self.world.add_fault(*fault)

    @rule(hours=st.sampled_from([0, 1, 30]))
    def mend(self, hours: int) -> None:
        self.world.sandbox.sandbox.faults.remove()
        self.play(self.world.release(), hours * 60)
        self.play(self.world.run("monitor_imports"))

    @rule(full=st.sampled_from([False, False, False, True]))
    def send(self, full: bool) -> None:
        self.play(self.world.run(mode="full" if full else "changes"))

    @rule()
    def send_again(self) -> None:
        self.play(self.world.run())

    @rule(dealings=st.integers(0, 60))
    def crash(self, dealings: int) -> None:
        self.play(self.world.crash(dealings))

    def teardown(self) -> None:
        if not self.is_broken:
            self.play(self.world.end())


class Stage:
    """What all plays share: a loop, a database, a sandbox."""

    def __init__(self, runner: asyncio.Runner, world: BothSides) -> None:
        self.runner = runner
        self.world = world


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        opened = both_sides(database_url, tmp_path)
        try:
            yield Stage(runner, runner.run(opened.__aenter__()))
        finally:
            runner.run(opened.__aexit__(None, None, None))


def test_nobody_is_mailed_whose_opt_out_is_the_latest_word(stage: Stage) -> None:
    machine = type("OptOutWins", (OptOutWins,), {"stage": stage})
    run_state_machine_as_test(machine, settings=_SETTINGS)
