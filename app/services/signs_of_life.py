"""Whether the replica that has a run in hand still lives, as far as its heartbeat tells.

The heartbeat is PgQueuer's, in the run's place in the queue; a place that is silent for
``DOTSYNC_HEARTBEAT_TIMEOUT_SECONDS`` is taken by another replica.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.db import PoolConnection

#: PgQueuer beats twice a timeout and writes what it gathered within an eighth: more is too much.
_LONGEST_SILENCE = 0.7

#: The database's clock wrote it and is asked how long ago. pgqueuer's key of dedupe_key.
_SILENCE = """
SELECT extract(epoch FROM now() - heartbeat)::float8 FROM pgqueuer
WHERE dedupe_key = 'run:' || $1::bigint AND status = 'picked'
"""


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """The last sign of life of the replica that has a run in hand."""

    at: datetime
    #: From when another replica takes the run over, unless there is another sign.
    takeover_at: datetime
    #: Another sign was due by now.
    is_missing: bool

    @property
    def warning(self) -> str | None:
        """Return what is to be known of a run whose replica may have died; else None."""
        if not self.is_missing:
            return None
        return (
            f"The replica that has it in hand gave its last sign of life at {written(self.at)}: "
            f"unless it gives another, the run is taken over from {written(self.takeover_at)} on, "
            "where it got to."
        )


def sign_of_life(silent_s: float | None, timeout_s: float, now: datetime) -> SignOfLife | None:
    """Return the last sign, so many seconds ago; None where no replica has the run in hand."""
    if silent_s is None:
        return None
    at = now - timedelta(seconds=silent_s)
    is_missing = silent_s > timeout_s * _LONGEST_SILENCE
    return SignOfLife(at, at + timedelta(seconds=timeout_s), is_missing)


async def silence_of(connection: PoolConnection, run_id: int) -> float | None:
    """Return how many seconds ago the run's replica last gave a sign; None where none has it."""
    silent_s: float | None = await connection.fetchval(_SILENCE, run_id)
    return silent_s


def written(moment: datetime) -> str:
    """Return the instant as sentences have it, to the second."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
