"""Whom a rehearsal of send_people would deal with, and why: kept in the run's timeline.

By ids and reasons alone: names are looked up for whoever asks, so that nothing of an erased person
stays behind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.sync.people.people_page import Held, Return, SortedPage
from app.sync.people.person_failures import PersonFailure
from app.sync.people.person_records import Entry
from app.sync.rules.failure_advice import advice, with_advice
from app.sync.rules.reasons import Reason
from app.sync.runs import Run

#: So many people are named of each kind.
_MOST_NAMED: Final = 100

_Why = tuple[str | None, str | None]
_NO_REASON: Final[_Why] = (None, None)
#: They are skipped as well.
_UNKNOWN_THERE: Final[_Why] = (
    Reason.OPTED_OUT.value,
    "No contact has the address, so the address itself goes onto Dotdigital's suppression list.",
)


@dataclass(slots=True)
class _Kind:
    people: int = 0
    named: list[dict[str, object]] = field(default_factory=list)


class Rehearsed:
    """The people of a rehearsal by what would become of them, as the pages come."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._kinds: dict[str, _Kind] = {}

    def take(self, page: SortedPage) -> None:
        """Take whom this page would change, hold back or find failing; not the unchanged."""
        self._add("create", _ids(each for each in page.records if each.contact_id is None))
        changed = (each for each in page.records if each.contact_id is not None)
        self._add("update", _ids((*changed, *page.fills)))
        self._add("suppress", [(each, _NO_REASON) for each in page.opting_out])
        self._add("suppress", [(each, _UNKNOWN_THERE) for each in page.unknown_opted_out])
        self._add("resubscribe", _ids(page.returning))
        gone = [each for each in page.departing if each.heir is None]
        self._add("delete", [(each.person_id, _why(each.reason)) for each in gone])
        self._add(
            "hand_over",
            [
                (each.person_id, (each.reason.value, f"Its contact goes to person {each.heir}."))
                for each in page.departing
                if each.heir is not None
            ],
        )
        self._add(
            "relink",
            [(each.person_id, _why(Reason.LINKED_ELSEWHERE)) for each in page.leaving],
        )
        self._add("skip", [(each.person_id, _why_held(each)) for each in page.held])
        self._add("fail", [(each.person_id, _why_failing(each)) for each in page.failures])

    async def note(self, run: Run) -> None:
        """Write a line for each kind into the run's timeline."""
        for what, kind in self._kinds.items():
            await run.note("would", what=what, people=kind.people, named=kind.named)

    def _add(self, what: str, people: Sequence[tuple[int, _Why]]) -> None:
        if not people:
            return
        kind = self._kinds.setdefault(what, _Kind())
        kind.people += len(people)
        for person_id, (reason, detail) in people[: _MOST_NAMED - len(kind.named)]:
            kind.named.append({"person_id": person_id, "reason": reason, "detail": detail})


def _ids(people: Iterable[Entry | Return]) -> list[tuple[int, _Why]]:
    return [(each.person_id, _NO_REASON) for each in people]


def _why(reason: Reason, other: int | None = None) -> _Why:
    return reason.value, f"{reason.told(other)} {reason.next_step}"


def _why_held(held: Held) -> _Why:
    return _why(held.reason, held.other)


def _why_failing(failure: PersonFailure) -> _Why:
    """Name the fields at fault and what they take, but no value: they are the person's own."""
    if failure.impersonal is not None:
        return failure.code, with_advice(failure.impersonal, failure.code)
    if any(reason.value == failure.code for reason in Reason):
        return failure.code, with_advice(failure.text, failure.code)
    return failure.code, advice(failure.code)
