"""How a job stands: its state in a word, why, and when it runs next."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models import Job, Run
from app.services.job_rows import JobStanding
from app.services.job_standings import Outlook, outlook
from app.services.signs_of_life import sign_of_life
from tests.clock import START


def ago(**units: float) -> datetime:
    return START - timedelta(**units)


def standing(
    job: dict[str, Any] | None = None,
    last_run: dict[str, Any] | None = None,
    **overrides: Any,  # noqa: ANN401 - any part
) -> JobStanding:
    values: dict[str, Any] = {
        "account_id": 3,
        "job": "send_people",
        "enabled": True,
        "interval_seconds": 300,
        "enabled_at": ago(days=1),
        "updated_at": ago(days=1),
        **(job or {}),
    }
    run = None
    if last_run is not None:
        run = Run(**{"account_id": 3, "job": values["job"], "trigger": "schedule", **last_run})
    parts: dict[str, Any] = {
        "account_state": "ok",
        "last_scheduled_at": None if run is None else run.queued_at,
        "importing": False,
        "available": True,
        **overrides,
    }
    return JobStanding(**{"job": Job(**values), "last_run": run, "waiting": None, **parts})


def ended(**units: float) -> dict[str, Any]:
    return {"status": "succeeded", "queued_at": ago(**units), "finished_at": ago(**units)}


CRON = {"interval_seconds": None, "cron": "0 3 * * *"}
THREE_TODAY = START.replace(hour=3)


@pytest.mark.parametrize(
    "given, state, next_run_at",
    [
        pytest.param(standing({"enabled_at": START}), "idle", START, id="enabled just now"),
        pytest.param(
            standing(last_run=ended(seconds=100)),
            "idle",
            START + timedelta(seconds=200),
            id="between two runs",
        ),
        pytest.param(
            standing(last_run=ended(seconds=330)), "idle", ago(seconds=30), id="a moment late"
        ),
        pytest.param(
            standing(last_run=ended(seconds=659)),
            "idle",
            ago(seconds=359),
            id="as late as ticks may be",
        ),
        pytest.param(
            standing(last_run=ended(seconds=661)), "overdue", ago(seconds=361), id="overdue"
        ),
        pytest.param(standing(), "overdue", ago(days=1), id="enabled a day ago and never ran"),
        pytest.param(
            standing(
                last_run={**ended(hours=2), "finished_at": ago(seconds=30)},
            ),
            "idle",
            ago(hours=1, minutes=55),
            id="its last run took long and ended just now",
        ),
        pytest.param(
            standing(last_run={"status": "queued", "queued_at": ago(seconds=5)}),
            "queued",
            None,
            id="queued",
        ),
        pytest.param(
            standing(
                {"enabled": False},
                last_run={"status": "running", "queued_at": ago(hours=5)},
                account_state="paused",
            ),
            "running",
            None,
            id="running, whatever else",
        ),
        pytest.param(standing({"enabled": False}), "paused", None, id="not enabled"),
        pytest.param(standing(account_state="paused"), "paused", None, id="account paused"),
        pytest.param(
            standing(account_state="bad_credentials"), "paused", None, id="bad credentials"
        ),
        pytest.param(
            standing({"enabled_at": START}, account_state="unreachable"),
            "idle",
            START,
            id="unreachable is tried again",
        ),
        pytest.param(standing(available=False), "paused", None, id="not in this version"),
        pytest.param(
            standing({"job": "monitor_imports"}), "idle", None, id="no import to be watched"
        ),
        pytest.param(
            standing({"job": "monitor_imports", "enabled_at": START}, importing=True),
            "idle",
            START,
            id="an import to be watched",
        ),
        pytest.param(
            standing({"job": "monitor_imports"}, importing=True),
            "overdue",
            ago(days=1),
            id="an import that nobody watches",
        ),
        pytest.param(
            standing(CRON, last_run=ended(hours=6)),
            "idle",
            THREE_TODAY + timedelta(days=1),
            id="cron: ran tonight",
        ),
        pytest.param(
            standing(CRON, last_run=ended(days=1, hours=6)),
            "overdue",
            THREE_TODAY,
            id="cron: didn't run tonight",
        ),
        pytest.param(
            standing(
                CRON,
                last_run={**ended(hours=7), "finished_at": ago(hours=5), "trigger": "manual"},
                last_scheduled_at=ago(days=1, hours=6),
            ),
            "idle",
            THREE_TODAY + timedelta(days=1),
            id="cron: a run by hand went on at its hour",
        ),
        pytest.param(
            standing({**CRON, "enabled_at": ago(hours=1)}, last_run=ended(days=9)),
            "idle",
            THREE_TODAY + timedelta(days=1),
            id="cron: enabled after its hour",
        ),
    ],
)
def test_a_job_stands_like_this(
    given: JobStanding, state: str, next_run_at: datetime | None
) -> None:
    view = outlook(given, START)
    assert (view.state, view.next_run_at) == (state, next_run_at)


@pytest.mark.parametrize(
    "given, why",
    [
        pytest.param(standing({"enabled": False}), "/v1/sync/start", id="not enabled"),
        pytest.param(standing(account_state="paused"), "/v1/sync/start", id="account paused"),
        pytest.param(
            standing(account_state="paused"), "runs by hand included", id="account paused: by hand"
        ),
        pytest.param(
            standing(
                {"enabled_at": START},
                last_run={**ended(seconds=100), "status": "failed", "error": {"detail": "No key."}},
            ),
            "Its last run failed: No key.",
            id="its last run failed",
        ),
        pytest.param(
            standing(account_state="bad_credentials"), "PATCH /v1/accounts/3", id="bad credentials"
        ),
        pytest.param(standing(available=False), "doesn't run this job", id="not available"),
        pytest.param(standing(), "2026-01-04T09:00:00Z", id="overdue"),
        pytest.param(
            standing(last_run={"status": "queued", "queued_at": ago(minutes=5)}),
            "2026-01-05T08:55:00Z",
            id="queued for long",
        ),
    ],
)
def test_what_stands_still_says_why(given: JobStanding, why: str) -> None:
    assert why in (outlook(given, START).why or "")


def test_what_goes_well_needs_no_why() -> None:
    soon = START + timedelta(seconds=200)
    assert outlook(standing(last_run=ended(seconds=100)), START) == Outlook("idle", None, soon)
    queued = standing(last_run={"status": "queued", "queued_at": ago(seconds=5)})
    assert outlook(queued, START) == Outlook("queued", None, None)


RUNNING = standing(last_run={"status": "running", "queued_at": ago(minutes=5)})


@pytest.mark.parametrize(
    "silent_s, is_missing",
    [
        pytest.param(None, False, id="no replica has it: it is handed over"),
        pytest.param(15, False, id="as long as beats are apart"),
        pytest.param(19, False, id="and what is gathered before it is written"),
        pytest.param(22, True, id="longer than that"),
    ],
)
def test_a_silent_replica_is_told_of_once_its_heartbeat_is_missing(
    silent_s: float | None,
    is_missing: bool,
) -> None:
    why = outlook(RUNNING, START, sign_of_life(silent_s, 30, START)).why
    assert (why is not None) is is_missing


def test_a_silent_replica_is_told_of_with_both_moments() -> None:
    why = outlook(RUNNING, START, sign_of_life(22, 30, START)).why or ""
    assert "last sign of life at 2026-01-05T08:59:38Z" in why
    assert "taken over from 2026-01-05T09:00:08Z on" in why
