"""One mapped value three ways: as both sides last knew it, as it is here, and as it is there."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Literal

ConflictRule = Literal["prefer_dotsync", "prefer_dotdigital", "latest"]
WhenBlank = Literal["clear", "keep", "only_if_blank_there"]


class Unknown(Enum):
    """A base that nobody knows, or a value here that the data field can't hold."""

    #: Equal to nothing but itself.
    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class Step(Enum):
    """What becomes of the value."""

    #: Both sides have it already.
    AGREED = "agreed"
    #: Theirs is written here.
    TAKE = "take"
    #: Ours stands, and is for the send job where the mapping sends at all.
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class MergeRule:
    """What a mapping says of a value that both may change."""

    conflict_rule: ConflictRule = "prefer_dotsync"
    when_blank: WhenBlank = "clear"
    #: The mapping only takes: Dotdigital's side is where the value is kept.
    only_takes: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """When each side was last changed, as a whole; None where it isn't known."""

    ours: datetime | None = None
    theirs: datetime | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """The step, and whether both had moved to different values."""

    step: Step
    is_conflict: bool = False


_AGREED: Final = Merged(Step.AGREED)
_TAKE: Final = Merged(Step.TAKE)
_LEAVE: Final = Merged(Step.LEAVE)


def merge(base: object, ours: object, theirs: object, rule: MergeRule, times: Times) -> Merged:
    """Decide over one value; None is blank, and ``base`` may be UNKNOWN.

    Values are compared as the data field has them, so both are typed before. A blank says nothing
    to the other side where the mapping keeps what stands there; where the base isn't known, a blank
    never wins over a value.
    """
    if ours == theirs:
        return _AGREED
    if (ours is None or theirs is None) and (rule.when_blank != "clear" or base is UNKNOWN):
        # The blank is passed over; but one that was made here is not filled by what stood there.
        return _TAKE if ours is None and theirs != base else _LEAVE
    if base is not UNKNOWN and base in (ours, theirs):
        return _TAKE if ours == base else _LEAVE
    # Ours only fills a blank there, or was never held against theirs before: no conflict.
    if rule.when_blank == "only_if_blank_there" or (rule.only_takes and base is UNKNOWN):
        return _TAKE
    return Merged(_winner(rule.conflict_rule, times), is_conflict=True)


def _winner(rule: ConflictRule, times: Times) -> Step:
    match rule:
        case "prefer_dotdigital":
            return Step.TAKE
        case "latest":
            known = times.ours is not None and times.theirs is not None
            later = known and times.theirs > times.ours  # type: ignore[operator]
            return Step.TAKE if later else Step.LEAVE
        case "prefer_dotsync":
            return Step.LEAVE
