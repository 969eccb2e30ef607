"""Places in a reading of activities, as they are kept with every batch."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self

from app.sync.rules.activity_window import utc

Stage = Literal["campaigns", "forms", "visits"]
STAGES: tuple[Stage, ...] = ("campaigns", "forms", "visits")


def stream_of(stage: Stage) -> str:
    """Return the name of the stage's watermark."""
    return f"activities.{stage}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reading stands; instants are by Dotdigital's clock."""

    stage: Stage
    #: Nothing from before this is wanted.
    floor: datetime
    #: From here on things are asked for.
    since: datetime
    #: When the reading began: the next one asks from about here on.
    began: datetime
    #: The campaign or form that is being read; those below it are done.
    source_id: int = 0
    #: Which of the campaign's listings; None before the first.
    stream: str | None = None
    skip: int = 0
    marker: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a checkpoint holds it."""
        written = asdict(self)
        for name in ("floor", "since", "began"):
            written[name] = written[name].isoformat()
        return written

    @classmethod
    def from_json(cls, written: dict[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        instants = {name: utc(written[name]) for name in ("floor", "since", "began")}
        return cls(**{**written, **instants})

    def is_past(self, stage: Stage) -> bool:
        """Say whether this stage is done."""
        return STAGES.index(stage) < STAGES.index(self.stage)

    def source(
        self, source_id: int, stream: str | None = None, skip: int = 0, marker: str | None = None
    ) -> "Place":
        """Return a place in the same stage."""
        return replace(self, source_id=source_id, stream=stream, skip=skip, marker=marker)
