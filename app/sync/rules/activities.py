"""What an online activity is here, and what makes a second reading of it the same.

None of Dotdigital's rows has an id, but for forms and visits. The key is made of the campaign, the
contact, the type, the time and the url, with an ordinal among rows of one page that are equal in
all of it: so two real opens in one instant both count, and no reading adds one [inferred].
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any, Generic, NamedTuple, TypeVar

Row = TypeVar("Row")

_KEY_BYTES = 16


class Activity(NamedTuple):
    """One activity as it is stored, but for the account and the person."""

    type: str
    occurred_at: datetime
    mailshot_id: int | None
    contact_id: int | None
    email: str | None
    details: dict[str, Any]
    key: bytes
    #: It happens once, whatever date it is read with: no other of this key is stored beside it.
    is_once: bool


class Told(NamedTuple):
    """What a row tells, before its key is made of it."""

    type: str
    #: None where there is no date, or none that can be read; then ``undated`` says which.
    occurred_at: datetime | None
    contact_id: int | None
    email: str | None
    details: dict[str, Any]
    #: The url, or whatever else sets it apart from others of its type and time.
    mark: str | None = None
    undated: str | None = None
    is_once: bool = False


@dataclass(frozen=True, slots=True)
class Undated:
    """A row that can't be stored, for when it happened can't be read."""

    type: str
    contact_id: int | None
    #: The date as it was given; None where there was none.
    text: str | None


@dataclass(slots=True)
class PageOfActivities:
    """What a page of rows holds."""

    activities: list[Activity] = field(default_factory=list)
    #: Rows that are equal to one of the page in all that the key is made of.
    equal: list[Activity] = field(default_factory=list)
    undated: list[Undated] = field(default_factory=list)


def key_of(text: str) -> bytes:
    """Return the key that this text stands for."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


@dataclass(frozen=True, slots=True)
class Source(Generic[Row]):
    """Where rows come from, and how one is read."""

    #: Sets the rows apart from those of other sources, ``c7`` of campaign 7.
    name: str
    mailshot_id: int | None
    #: What happened before was not asked for.
    floor: datetime
    read: Callable[[Row], Iterable[Told]]

    def page(self, rows: Sequence[Row], again: Sequence[Row] = ()) -> PageOfActivities:
        """Return what these rows hold; ``again`` stood on the page too and was taken already."""
        page, seen = PageOfActivities(), dict[str, int]()
        for row in again:
            for told in self.read(row):
                if told.occurred_at is not None:
                    text = _text(self.name, told)
                    seen[text] = seen.get(text, 0) + 1
        # One loop without calls that it can do without: it goes round for each of millions.
        for row in rows:
            for told in self.read(row):
                type_, at, contact_id, email, details, _, undated, is_once = told
                if at is None:
                    page.undated.append(Undated(type_, contact_id, undated))
                    continue
                if at < self.floor:
                    continue
                text = _text(self.name, told)
                found, kept = 0, page.activities
                if text in seen:
                    if is_once:
                        continue
                    found, kept = seen[text], page.equal
                seen[text] = found + 1
                key = key_of(f"{text}|{found}" if found else text)
                kept.append(
                    Activity(type_, at, self.mailshot_id, contact_id, email, details, key, is_once)
                )
        return page


def _text(name: str, told: Told) -> str:
    """Return what sets a row apart from every other one."""
    who: int | str | None = told.contact_id
    if who is None:
        who = f"e{(told.email or '').lower()}"
    at = told.occurred_at
    when = "" if told.is_once or at is None else at.timestamp()
    return f"{name}|{told.type}|{who}|{when}|{told.mark or ''}"
