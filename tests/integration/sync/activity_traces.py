"""Looks at what retrieve_activities and match_activities left behind."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.server import RunningSandbox
from tests.factories.engines import Replica

NOON = "2026-03-02T12:00:00Z"
Row = Mapping[str, Any]


def freeze(sandbox: RunningSandbox, at: str = NOON) -> None:
    """Let time there stand still at this instant."""
    sandbox.control.move_clock(to=at, frozen=True)


def add_contacts(sandbox: RunningSandbox, number: int) -> list[int]:
    """Make p1@example.com and so on there; return their ids."""
    return sandbox.control.add_contacts(
        [{"identifiers": {"email": f"p{n}@example.com"}} for n in range(1, number + 1)]
    )


async def counted(here: Replica) -> dict[str, int]:
    """Return how many activities are stored, by type."""
    rows = await here.database.pool.fetch(
        "SELECT type, count(*) FROM online_activities GROUP BY type ORDER BY type"
    )
    return {row["type"]: row["count"] for row in rows}


async def activities(here: Replica, type_: str | None = None) -> Sequence[Row]:
    """Return the stored activities in the order of their time and contact."""
    rows: Sequence[Row] = await here.database.pool.fetch(
        """
        SELECT * FROM online_activities WHERE $1::text IS NULL OR type = $1
        ORDER BY occurred_at, contact_id, type, id
        """,
        type_,
    )
    return rows


async def mailshot(here: Replica, campaign_id: int) -> Row:
    """Return our copy of a campaign."""
    row: Row = await here.database.pool.fetchrow(
        "SELECT * FROM mailshots WHERE dotdigital_campaign_id = $1", campaign_id
    )
    return row


async def noted(here: Replica, event: str) -> list[dict[str, Any]]:
    """Return what stands in the timelines under this event."""
    rows = await here.database.pool.fetch(
        "SELECT detail FROM run_events WHERE event = $1 ORDER BY id", event
    )
    return [row["detail"] for row in rows]


async def watermark(here: Replica, stream: str = "activities.campaigns") -> Row | None:
    """Return how far a stream was read."""
    row: Row | None = await here.database.pool.fetchrow(
        "SELECT * FROM watermarks WHERE stream = $1", stream
    )
    return row
