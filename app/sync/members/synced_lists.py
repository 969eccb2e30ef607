"""The lists of a run, as it reads them once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import ValidationError

from app.errors import Conflict
from app.list_options import ListOptions, unreadable
from app.sync.engine import JobContext
from app.sync.statements import statements

SQL = statements("send_lists")

_FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class SyncedList:
    """One open, synchronised list, with what was chosen for it."""

    id: int
    name: str
    options: ListOptions
    twin_id: int | None
    is_bound: bool
    sent_once_at: datetime | None
    status_read_at: datetime | None
    status_swept_at: datetime | None
    updated_at: datetime
    #: How many contacts are on the twin, as Dotdigital said when the run began.
    contacts_there: int | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read a row; raises Conflict where its options can't be: guessing would mail somebody."""
        try:
            options = ListOptions.model_validate(row["options"])
        except ValidationError as error:
            raise Conflict(
                f"This version can't read what list {row['id']} has as "
                f"{', '.join(unreadable(error))}: set it anew with PATCH /v1/lists/{row['id']}."
            ) from error
        return cls(
            id=row["id"],
            name=row["name"],
            options=options,
            twin_id=row["dotdigital_list_id"],
            is_bound=row["bound_at"] is not None,
            sent_once_at=row["sent_once_at"],
            status_read_at=row["status_read_at"],
            status_swept_at=row["status_swept_at"],
            updated_at=row["updated_at"],
        )

    @property
    def is_audience(self) -> bool:
        """A suppression audience: it has no twin, and whoever joins is not mailed any more."""
        return self.options.entry_action == "unsubscribe"

    @property
    def one_by_one(self) -> bool:
        """Whoever is new is added by a call each."""
        return self.options.trigger_join_actions and not self.is_audience

    @property
    def is_one_time(self) -> bool:
        """Sent once, with whoever is on it then."""
        return self.options.sync_mode == "one_time"

    @property
    def is_left_alone(self) -> bool:
        """A one-time list that was sent: nothing of it is changed any more."""
        return self.is_one_time and self.sent_once_at is not None

    @property
    def joined_until(self) -> datetime:
        """Whoever joined later is not sent."""
        if self.is_one_time and self.sent_once_at is not None:
            return self.sent_once_at
        return _FOR_EVER


def chosen_list(context: JobContext) -> int | None:
    """Return the one list that the run is for, or None where it is for all."""
    chosen: int | None = (context.run.scope or {}).get("list_id")
    return chosen


async def read_lists(context: JobContext) -> list[SyncedList]:
    """Return the lists of the run, by ascending ids."""
    rows = await context.database.pool.fetch(SQL["lists"], context.account_id, chosen_list(context))
    return [SyncedList.of(row) for row in rows]
