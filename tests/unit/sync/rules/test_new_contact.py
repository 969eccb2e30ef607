"""What becomes of a contact that nobody here is linked to."""

from datetime import timedelta
from typing import Literal

import pytest

from app.sync.rules.new_contact import Bearer, Create, Fate, Ignore, Link, Stranger, fate_of
from tests.clock import START

HOUR = timedelta(hours=1)
NEW = Stranger(created_at=START)
OFF = Stranger(created_at=START, is_suppressed=True)


@pytest.mark.parametrize(
    "stranger, bearers, new_contacts, expected",
    [
        pytest.param(NEW, [], "person", Create("person"), id="a person"),
        pytest.param(NEW, [], "lead", Create("lead"), id="a lead"),
        pytest.param(NEW, [], "ignore", Ignore(), id="nothing"),
        pytest.param(OFF, [], "person", Create("person"), id="one that is off"),
        pytest.param(NEW, [Bearer(7)], "ignore", Link(7), id="somebody has the email"),
        pytest.param(NEW, [Bearer(9), Bearer(7)], "person", Link(7), id="the first of two"),
        pytest.param(
            NEW, [Bearer(7, sync_with_mailer=False), Bearer(9)], "person", Link(9), id="who is sent"
        ),
        pytest.param(
            NEW, [Bearer(7, sync_with_mailer=False)], "person", Ignore(), id="nobody is sent"
        ),
        pytest.param(
            NEW, [Bearer(7, linked_to=3), Bearer(9)], "person", Ignore(), id="one is linked already"
        ),
        pytest.param(Stranger(has_email=False), [], "person", Ignore(), id="without an email"),
        pytest.param(Stranger(is_erased=True), [], "person", Ignore(), id="erased"),
        pytest.param(Stranger(is_erased=True), [Bearer(7)], "person", Ignore(), id="erased twice"),
        pytest.param(
            Stranger(created_at=START, is_suppressed=True, must_not_be_mailed=True),
            [Bearer(7)],
            "person",
            Ignore(),
            id="off on both sides",
        ),
        pytest.param(
            Stranger(created_at=START, must_not_be_mailed=True),
            [Bearer(7)],
            "person",
            Link(7),
            id="off here alone, so that it can be told",
        ),
        pytest.param(
            Stranger(created_at=START, is_suppressed=True, is_kept_out=True),
            [],
            "person",
            Ignore(),
            id="kept off by us",
        ),
        pytest.param(
            NEW,
            [Bearer(7, gone_at=START + HOUR)],
            "person",
            Ignore(),
            id="left over",
        ),
        pytest.param(
            NEW,
            [Bearer(7, gone_at=START - HOUR)],
            "person",
            Create("person"),
            id="made after one was deleted",
        ),
        pytest.param(
            Stranger(), [Bearer(7, gone_at=START)], "person", Ignore(), id="made at an unknown time"
        ),
        pytest.param(
            NEW, [Bearer(7, gone_at=START + HOUR), Bearer(9)], "person", Link(9), id="one is there"
        ),
    ],
)
def test_contact_becomes(
    stranger: Stranger,
    bearers: list[Bearer],
    new_contacts: Literal["person", "lead", "ignore"],
    expected: Fate,
) -> None:
    assert fate_of(stranger, bearers, new_contacts) == expected
