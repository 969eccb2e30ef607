"""Shows accounts with their limits and what is used of them; calls nobody."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from app.clients.dotdigital import Circuit
from app.db import ReadSession, WriteSession, raw_connection
from app.job_kinds import JOB_KINDS
from app.models import Account, RateBucket
from app.schemas.accounts import AccountOut, Limit
from app.schemas.accounts import AccountSettings as AccountSettingsOut
from app.services.account_settings import AccountSettings
from app.services.dotdigital import DotdigitalConnector
from app.services.mapping_targets import DATA_FIELD_TYPES, FIELDS_LIMIT

_HOUR = timedelta(hours=1)

#: Calls of runs that went on after usage was read, or in the last hour; a run counts whole, so this
#: is the most it can be. Runs of every account of ours on the same Dotdigital account count.
#: runs_latest, at most 200 rows a job.
_CALLS = """
SELECT account.id, coalesce(sum(counted.calls), 0)::bigint AS calls
FROM accounts AS account
JOIN accounts AS twin ON twin.dotdigital_account_id = account.dotdigital_account_id
CROSS JOIN unnest($2::text[]) AS each (job)
CROSS JOIN LATERAL (
    SELECT run.calls, run.finished_at FROM runs AS run
    WHERE run.account_id = twin.id AND run.job = each.job
    ORDER BY run.id DESC LIMIT 200
) AS latest
CROSS JOIN LATERAL (
    SELECT sum(value::bigint) AS calls FROM jsonb_each_text(latest.calls)
) AS counted
WHERE account.id = ANY ($1::bigint[])
  AND coalesce(latest.finished_at, $3) > greatest($3::timestamptz - interval '1 hour',
                                                  account.usage_read_at)
GROUP BY account.id
"""


async def shown_accounts(
    session: ReadSession | WriteSession,
    accounts: Sequence[Account],
    connector: DotdigitalConnector,
    now: datetime,
) -> list[AccountOut]:
    """Return the accounts as the API shows them, from what our own tables know."""
    buckets = await _buckets(session, {str(each.dotdigital_account_id) for each in accounts})
    calls = await _calls_since(session, [each.id for each in accounts], now)
    return [
        _shown(
            each,
            buckets[str(each.dotdigital_account_id)],
            calls.get(each.id, 0),
            connector.circuit(each.id),
            now,
        )
        for each in accounts
    ]


def shown_limit(bucket: RateBucket, now: datetime) -> Limit:
    """Return the bucket as the API shows it: whole calls, and full once its window is over."""
    if bucket.blocked_until is not None and bucket.blocked_until > now:
        remaining, resets_at = 0, bucket.blocked_until
    elif bucket.resets_at <= now:
        remaining, resets_at = bucket.limit, now
    else:
        remaining, resets_at = max(int(bucket.remaining), 0), bucket.resets_at
    return Limit(scope=bucket.scope, limit=bucket.limit, remaining=remaining, resets_at=resets_at)


def calls_of_the_hour(
    usage: dict[str, Any], read_at: datetime | None, ours_since: int, now: datetime
) -> tuple[int, int | None]:
    """Return how many calls were made in the last hour, at most, and how many are left of it.

    Dotdigital's own figures count for an hour after they were read; ours are added to them.
    """
    there, left = usage.get("calls_last_hour"), usage.get("calls_left")
    is_fresh = read_at is not None and now - read_at < _HOUR
    made = (there if is_fresh and there is not None else 0) + ours_since
    if there is None or left is None:
        return made, None
    return made, max(there + left - made, 0)


def _shown(
    account: Account,
    limits: Iterable[RateBucket],
    ours_since: int,
    circuit: Circuit | None,
    now: datetime,
) -> AccountOut:
    settings = AccountSettings.from_stored(account.settings)
    used = account.usage.get("fields_used", {})
    state, detail = account.state, account.state_detail
    if state == "ok" and circuit is not None and circuit.opened_at is not None:
        state = "unreachable"
        detail = (
            f"The last calls all failed, since {circuit.opened_at:%Y-%m-%d %H:%M:%S} UTC; one is "
            "tried now and then until one goes through."
        )
    made, left = calls_of_the_hour(account.usage, account.usage_read_at, ours_since, now)
    return AccountOut.model_validate(
        {
            **account.model_dump(exclude={"password_encrypted", "usage"}),
            "state": state,
            "state_detail": detail,
            "limits": [shown_limit(each, now) for each in limits],
            "calls_last_hour": made,
            "calls_left": left,
            "lists_used": account.usage.get("lists_used"),
            "lists_limit": settings.lists_limit,
            "fields_used": {name: used.get(name, 0) for name in DATA_FIELD_TYPES} if used else {},
            "fields_limit": FIELDS_LIMIT,
            "settings": AccountSettingsOut.model_validate(settings),
        }
    )


async def _buckets(
    session: ReadSession | WriteSession, keys: set[str]
) -> defaultdict[str, list[RateBucket]]:
    found = await session.execute(
        select(RateBucket)
        .where(col(RateBucket.account_key).in_(keys))
        .order_by(col(RateBucket.scope))
    )
    buckets = defaultdict(list)
    for bucket in found.scalars():
        buckets[bucket.account_key].append(bucket)
    return buckets


async def _calls_since(
    session: ReadSession | WriteSession, account_ids: list[int], now: datetime
) -> dict[int, int]:
    connection = await raw_connection(session)
    rows = await connection.fetch(_CALLS, account_ids, list(JOB_KINDS), now)
    return {row["id"]: row["calls"] for row in rows}
