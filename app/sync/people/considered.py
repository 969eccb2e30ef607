"""How many people a run has looked at: each once, however often it looks, whoever takes over."""

from collections.abc import Sequence
from typing import Final

from app.sync.people.person_records import Row
from app.sync.runs import Run

_UP_TO: Final = "considered_to"


class Considered:
    """Counts the people of a run, which go by ascending id, as far as it got."""

    def __init__(self, run: Run) -> None:
        """Go on from where the predecessor got to."""
        self._run = run
        self._up_to: int = (run.checkpoint or {}).get(_UP_TO, 0)

    def take(self, rows: Sequence[Row]) -> None:
        """Count those of this page that no page before it held."""
        new = sum(row["person_id"] > self._up_to for row in rows)
        self._run.counts["considered"] += new
        self._up_to = max(self._up_to, rows[-1]["person_id"])

    async def save(self) -> None:
        """Write the run's progress, with how far it got; raises as `Run.save` does."""
        await self._run.save({_UP_TO: self._up_to})
