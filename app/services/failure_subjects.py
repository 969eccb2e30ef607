"""Whom and what failures are about, by the names that people know them by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.db import ReadSession, raw_connection
from app.models import Failure

_OF_PEOPLE: Final = ("person", "member")

#: people_pkey.
_PEOPLE: Final = "SELECT id, email, external_ref FROM people WHERE id = ANY ($1::bigint[])"
#: lists_pkey.
_LISTS: Final = "SELECT id, name FROM lists WHERE id = ANY ($1::bigint[])"


@dataclass(frozen=True, slots=True)
class NamedFailure:
    """A failure, with the names of its subject as they are now."""

    failure: Failure
    #: The person's, where it is about one.
    email: str | None
    external_ref: str | None
    #: The list's that it is about, or whose member it is about.
    list_name: str | None


async def named(session: ReadSession, failures: Sequence[Failure]) -> list[NamedFailure]:
    """Return these failures with the names of their subjects; two look-ups for all of them."""
    connection = await raw_connection(session)
    person_ids = {each.subject_id for each in failures if each.subject_type in _OF_PEOPLE}
    people: dict[int, tuple[str | None, str | None]] = {}
    if person_ids:
        rows = await connection.fetch(_PEOPLE, list(person_ids))
        people = {row["id"]: (row["email"], row["external_ref"]) for row in rows}
    lists: dict[int | None, str] = {}
    if list_ids := {_list_id(each) for each in failures} - {None}:
        rows = await connection.fetch(_LISTS, list(list_ids))
        lists = {row["id"]: row["name"] for row in rows}
    found = []
    for each in failures:
        of_person = people.get(each.subject_id) if each.subject_type in _OF_PEOPLE else None
        email, external_ref = of_person or (None, None)
        found.append(NamedFailure(each, email, external_ref, lists.get(_list_id(each))))
    return found


def _list_id(failure: Failure) -> int | None:
    return failure.subject_id if failure.subject_type == "list" else failure.list_id
