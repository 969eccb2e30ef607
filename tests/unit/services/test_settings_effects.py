"""Whom a changed setting concerns, and what is kept of settings at all."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.schemas.accounts import AccountSettings as AccountSettingsIn
from app.services.account_settings import AccountSettings
from app.services.settings_effects import Affected, affected_by

DEFAULTS = AccountSettings()


@pytest.mark.parametrize(
    "before, change, expected",
    [
        pytest.param({}, {}, set(), id="nothing changes"),
        pytest.param({}, {"people": "list_members"}, {Affected.NOT_ON_A_LIST}, id="fewer people"),
        pytest.param(
            {"people": "list_members"}, {"people": "all"}, {Affected.NOT_ON_A_LIST}, id="everyone"
        ),
        pytest.param(
            {}, {"send_mobile_number": False}, {Affected.HAS_MOBILE_NUMBER}, id="no mobile numbers"
        ),
        pytest.param(
            {},
            {"mobile_conflict": "send_without"},
            {Affected.MOBILE_NUMBER_TAKEN},
            id="taken numbers are left out",
        ),
        pytest.param(
            {"send_mobile_number": False},
            {"mobile_conflict": "send_without"},
            set(),
            id="no number is sent anyway",
        ),
        pytest.param({}, {"email_conflict": "relink"}, {Affected.EMAIL_TAKEN}, id="relink"),
        pytest.param(
            {"suppress_unknown": False},
            {"suppress_unknown": True},
            {Affected.OPTED_OUT_WITHOUT_CONTACT},
            id="opt-outs of strangers are told",
        ),
        pytest.param({}, {"suppress_unknown": False}, set(), id="what was told stays told"),
        pytest.param({}, {"resubscribe_mode": "no_challenge"}, set(), id="brings nobody back"),
        pytest.param({}, {"batch_size": 500, "import_wait_seconds": 5}, set(), id="only the pace"),
        pytest.param(
            {},
            {"people": "list_members", "send_mobile_number": False},
            {Affected.NOT_ON_A_LIST, Affected.HAS_MOBILE_NUMBER},
            id="two at once",
        ),
    ],
)
def test_a_changed_setting_concerns(
    before: dict[str, Any], change: dict[str, Any], expected: set[Affected]
) -> None:
    old = replace(DEFAULTS, **before)
    assert affected_by(old, replace(old, **change)) == expected


def test_the_api_takes_the_settings_that_jobs_read_with_the_same_defaults() -> None:
    ours = {field.name: field.default for field in fields(AccountSettings)}
    theirs = {name: field.default for name, field in AccountSettingsIn.model_fields.items()}
    assert theirs == ours


def test_settings_come_back_as_they_were_stored() -> None:
    since = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    settings = replace(DEFAULTS, people="list_members", activities_since=since)

    read = AccountSettings.from_stored({**settings.to_stored(), "no_longer_known": 1})

    assert read == settings
    assert read.activities_since is not None
    assert read.activities_since.tzinfo is UTC
