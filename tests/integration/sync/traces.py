"""Looks at what a run left behind, on both sides."""

from collections.abc import Mapping
from typing import Any

from sandbox.server import RunningSandbox
from tests.factories.engines import Replica


async def link(here: Replica, person_id: int) -> Mapping[str, Any] | None:
    row: Mapping[str, Any] | None = await here.database.pool.fetchrow(
        "SELECT * FROM contact_links WHERE person_id = $1", person_id
    )
    return row


async def due(here: Replica) -> list[int]:
    rows = await here.database.pool.fetch("SELECT person_id FROM person_changes ORDER BY 1")
    return [row["person_id"] for row in rows]


def calls(sandbox: RunningSandbox) -> dict[str, int]:
    return dict(sandbox.sandbox.calls.by_template)
