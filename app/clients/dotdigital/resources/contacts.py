"""Contacts, one by one and in pages; contacts-v3.json [spec]. Many at once go by import."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.paging import by_marker
from app.clients.dotdigital.resources.contact_payloads import ContactChange, encode_change
from app.clients.dotdigital.resources.contact_rows import (
    Contact,
    ContactIdPage,
    ContactPage,
    read_contact,
    read_id_page,
    read_page,
)
from app.clients.dotdigital.resources.deletions import DeletionStatus, deletion_status
from app.clients.dotdigital.resources.imports import MergeOption
from app.clients.dotdigital.wire import in_query, lowered, nothing, reading

#: Contacts in one page, and in one bulk delete [spec].
MAX_CONTACTS: Final = 5000

Include = Literal["channelProperties", "lists", "preferences", "consentRecords"]


@dataclass(slots=True)
class DeletionFailure:
    """A contact that a bulk delete left."""

    identifier: Mapping[str, Any]
    #: Code and description each, such as ``contactNotFound``.
    reasons: list[tuple[str, str]]


@dataclass(slots=True)
class DeletionReport:
    """What became of a bulk delete."""

    delete_id: str
    status: DeletionStatus
    #: The vendor's counts by its own names, such as ``deletedContacts``.
    summary: Mapping[str, int]
    #: The identifiers of those that are gone, as given.
    deleted: list[Mapping[str, Any]]
    failures: list[DeletionFailure]


class ContactsResource:
    """Reads, changes and deletes contacts."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    async def get(self, identifier: str, value: str | int) -> Contact:
        """Return one contact by ``contactId``, ``email``, ``mobileNumber`` or a custom identifier.

        One call. Raises NotFound.
        """
        return await self._caller.send(
            Call("GET", _ONE, read=reading(read_contact), path=_path(identifier, value))
        )

    def pages(
        self,
        *,
        created_since: datetime | None = None,
        modified_since: datetime | None = None,
        list_id: int | None = None,
        segment_id: int | None = None,
        include: Iterable[Include] = (),
        data_fields: Iterable[str] | Literal["all"] = (),
        limit: int = MAX_CONTACTS,
        marker: str | None = None,
    ) -> AsyncIterator[ContactPage]:
        """Yield pages of the contacts that fit, from the start or from a marker on. A call each.

        Both bounds are inclusive and mean seconds. Raises ValueError for both ``created_since``
        and ``modified_since``, or for both a list and a segment: the API takes one of each.
        """
        if created_since is not None and modified_since is not None:
            raise ValueError("a query is by creation or by modification, not by both")
        if list_id is not None and segment_id is not None:
            raise ValueError("a query is of a list or of a segment, not of both")
        if not 1 <= limit <= MAX_CONTACTS:
            raise ValueError(f"a page has 1 to {MAX_CONTACTS} contacts, not {limit}")
        query: dict[str, str | int | None] = {
            "~created": _since(created_since),
            "~modified": _since(modified_since),
            "~listId": list_id,
            "~segmentId": segment_id,
            "include": "|".join(include) or None,
            "data-fields": "[[ALL]]" if data_fields == "all" else "|".join(data_fields) or None,
            "limit": limit,
        }

        async def fetch(marker: str | None) -> ContactPage:
            return await self._caller.send(
                Call("GET", _ALL, read=reading(read_page), query={**query, "marker": marker})
            )

        return by_marker(fetch, marker, _is_empty)

    def ids(
        self, *, limit: int = MAX_CONTACTS, marker: str | None = None
    ) -> AsyncIterator[ContactIdPage]:
        """Yield pages of the ids of all contacts, from the start or from a marker on. A call each.

        The least there is to ask for, to find what is gone: deleted contacts come in no other
        read. Ids ascend [inferred]; a contact made meanwhile may be left out.
        """
        if not 1 <= limit <= MAX_CONTACTS:
            raise ValueError(f"a page has 1 to {MAX_CONTACTS} contacts, not {limit}")

        async def fetch(marker: str | None) -> ContactIdPage:
            query: dict[str, str | int | None] = {"limit": limit, "marker": marker}
            return await self._caller.send(
                Call("GET", _ALL, read=reading(read_id_page), query=query)
            )

        return by_marker(fetch, marker, _is_empty)

    async def patch(
        self,
        identifier: str,
        value: str | int,
        change: ContactChange,
        merge_option: MergeOption = MergeOption.OVERWRITE,
    ) -> Contact:
        """Change one contact, or create it where the identifier is unknown; return it as it is now.

        One call, idempotent. Raises Rejected with ``contacts:idAlreadyExists`` where another
        contact has the new email or number, UnsendableContactError before anything is sent.
        """
        return await self._caller.send(
            Call(
                "PATCH",
                _ONE,
                read=reading(read_contact),
                path=_path(identifier, value),
                query={"merge-option": _MERGE_OPTIONS[MergeOption(merge_option)]},
                body=encode_change(change),
            )
        )

    async def delete(self, identifier: str, value: str | int) -> None:
        """Delete one contact; it lies in the recycle bin until that is emptied [doc].

        One call. Raises NotFound where it is gone already.
        """
        await self._caller.send(Call("DELETE", _ONE, read=nothing, path=_path(identifier, value)))

    async def delete_many(
        self,
        *,
        contact_ids: Sequence[int] = (),
        emails: Sequence[str] = (),
        mobile_numbers: Sequence[str] = (),
    ) -> str:
        """Start the deletion of up to 5000 contacts; return its id for `deletion`.

        One call. Raises WaitForSlot where too many are active, ValueError for none or more.
        """
        references = [
            *[{"contactId": contact_id} for contact_id in contact_ids],
            *[{"email": email} for email in emails],
            *[{"mobileNumber": number} for number in mobile_numbers],
        ]
        if not 1 <= len(references) <= MAX_CONTACTS:
            raise ValueError(f"1 to {MAX_CONTACTS} contacts go at once, not {len(references)}")
        return await self._caller.send(
            Call(
                "POST",
                "/contacts/v3/delete",
                read=reading(_delete_id),
                body=orjson.dumps(references),
            )
        )

    async def deletion(self, delete_id: str) -> DeletionReport:
        """Return how far a bulk delete is, and what became of each once it has ended. One call.

        Raises NotFound for an id that Dotdigital doesn't know.
        """
        return await self._caller.send(
            Call(
                "GET",
                "/contacts/v3/delete/{deleteId}",
                read=reading(_deletion),
                path={"deleteId": delete_id},
            )
        )


_ALL: Final = "/contacts/v3"
_ONE: Final = "/contacts/v3/{identifier}/{value}"
#: The import spells them in camel case, the change of one contact with hyphens [spec].
_MERGE_OPTIONS: Final = {
    MergeOption.OVERWRITE: "overwrite",
    MergeOption.OVERWRITE_IF_NOT_EMPTY: "overwrite-if-not-empty",
    MergeOption.OVERWRITE_IF_EMPTY: "overwrite-if-empty",
}


def _is_empty(page: ContactPage | ContactIdPage) -> bool:
    """Say whether it has no rows at all: a page that can't be read is followed by others."""
    return not page.items and not page.unread


def _path(identifier: str, value: str | int) -> dict[str, str | int]:
    return {"identifier": identifier, "value": value}


def _since(instant: datetime | None) -> str | None:
    return None if instant is None else f"gte::{in_query(instant)}"


def _delete_id(given: Mapping[str, Any]) -> str:
    return str(lowered(given)["deleteid"])


def _deletion(given: Mapping[str, Any]) -> DeletionReport:
    read = lowered(given)
    return DeletionReport(
        delete_id=str(read["deleteid"]),
        status=deletion_status(read["status"]),
        summary=read.get("summary") or {},
        deleted=list(read.get("deleted") or ()),
        failures=[
            DeletionFailure(
                row.get("identifier") or {},
                [
                    (reason.get("failureCode") or "", reason.get("description") or "")
                    for reason in row.get("failures") or ()
                ],
            )
            for row in read.get("failures") or ()
        ],
    )
