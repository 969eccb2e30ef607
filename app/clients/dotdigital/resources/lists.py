"""Lists, which v2's paths call address books, and who is on them; v2-lists.yaml [spec].

v3 has no calls for lists. Many contacts are added by import; who is on a list is a query of
contacts.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

import orjson
from pydantic import Field

from app.clients.dotdigital import inferred
from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.paging import SkipPage
from app.clients.dotdigital.resources.deletions import DeletionStatus, deletion_status
from app.clients.dotdigital.resources.suppressions import (
    ResubscribeResult,
    Subscriptions,
    Suppression,
    V2Contact,
)
from app.clients.dotdigital.resources.v2_pages import MAX_ROWS, v2_pages
from app.clients.dotdigital.wire import Incoming, Outgoing, many, nothing, one, optional

#: Contacts that leave a list in one call; none is stated, see `inferred`.
MAX_REMOVED: Final = inferred.MAX_IDS

Visibility = Literal["Private", "Public"]


class DotdigitalList(Incoming):
    """A list; ``Test`` and ``All Contacts`` are there in every account."""

    id: int
    name: str
    visibility: str | None = None
    #: How many are on it.
    contacts: int | None = None


class _List(Outgoing):
    name: Annotated[str, Field(min_length=1, max_length=128)]
    visibility: Visibility


class _Contact(Outgoing):
    email: Annotated[str, Field(min_length=1)]


class _Removal(Incoming):
    id: str
    status: str


class ListsResource:
    """Makes and changes lists, and moves contacts on and off them one way or another."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    async def all(self) -> list[DotdigitalList]:
        """Return every list. A call for each 1000 and some; segments are not among them."""
        call = Call("GET", _ALL, read=many(DotdigitalList))
        found: dict[int, DotdigitalList] = {}
        async for page in v2_pages(self._caller, call):
            found.update((each.id, each) for each in page.items)
        return list(found.values())

    async def get(self, list_id: int) -> DotdigitalList:
        """Return one list. One call. Raises NotFound."""
        return await self._caller.send(
            Call("GET", _ONE, read=one(DotdigitalList), path={"id": list_id})
        )

    async def create(self, name: str, visibility: Visibility = "Private") -> DotdigitalList:
        """Make a list; names hold up to 128 characters and are unique over lists and segments.

        One call, not repeated when its outcome is in doubt. Raises Rejected with
        ``ERROR_ADDRESSBOOK_DUPLICATE`` or ``ERROR_ADDRESSBOOK_LIMITEXCEEDED``.
        """
        body = _List(name=name, visibility=visibility).encoded()
        return await self._caller.send(
            Call("POST", _ALL, read=one(DotdigitalList), body=body, is_idempotent=False)
        )

    async def update(self, list_id: int, name: str, visibility: Visibility) -> DotdigitalList:
        """Rename a list, or show or hide it: it takes both values each time. One call, idempotent.

        Raises NotFound, and Rejected as `create` does.
        """
        body = _List(name=name, visibility=visibility).encoded()
        return await self._caller.send(
            Call("PUT", _ONE, read=one(DotdigitalList), path={"id": list_id}, body=body)
        )

    async def delete(self, list_id: int) -> None:
        """Delete a list; its contacts stay. One call.

        Raises NotFound, and Rejected with ``ERROR_ADDRESSBOOK_IN_USE`` or ``..._NOTWRITABLE``.
        """
        await self._caller.send(Call("DELETE", _ONE, read=nothing, path={"id": list_id}))

    async def add_contact(self, list_id: int, email: str) -> V2Contact:
        """Add one contact by its email, made if need be, so that programs on the list start.

        One call, idempotent. Raises Rejected with ``ERROR_CONTACT_SUPPRESSED`` or
        ``ERROR_CONTACT_SUPPRESSEDFORADDRESSBOOK``, NotFound for the list.
        """
        return await self._caller.send(
            Call(
                "POST",
                "/v2/address-books/{id}/contacts",
                read=one(V2Contact),
                path={"id": list_id},
                body=_Contact(email=email).encoded(),
            )
        )

    async def remove_contact(self, list_id: int, contact_id: int) -> None:
        """Take one contact off a list; the contact itself stays. One call, idempotent.

        Raises NotFound for the list or the contact.
        """
        await self._caller.send(
            Call(
                "DELETE",
                "/v2/address-books/{addressBookId}/contacts/{contactId}",
                read=nothing,
                path={"addressBookId": list_id, "contactId": contact_id},
            )
        )

    async def remove_contacts(self, list_id: int, contact_ids: Sequence[int]) -> str | None:
        """Start taking up to 5000 contacts off a list; return the id for `removal_status`.

        One call, idempotent; ids that aren't on it are passed over [inferred]. None where the
        answer has no body, as older documents say: then nothing more is to be learnt. Raises
        ValueError for none or more.
        """
        if not 1 <= len(contact_ids) <= MAX_REMOVED:
            raise ValueError(f"1 to {MAX_REMOVED} contacts go at once, not {len(contact_ids)}")
        removal = await self._caller.send(
            Call(
                "POST",
                "/v2/address-books/{addressBookId}/contacts/delete",
                read=optional(_Removal),
                path={"addressBookId": list_id},
                body=orjson.dumps(list(contact_ids)),
            )
        )
        return None if removal is None else removal.id

    async def removal_status(self, removal_id: str) -> DeletionStatus:
        """Return how far a removal from a list is. One call. Raises NotFound."""
        return await self._caller.send(
            Call(
                "GET",
                "/v2/contacts/deletion/{deletionRequestId}",
                read=lambda answer: deletion_status(one(_Removal)(answer).status),
                path={"deletionRequestId": removal_id},
            )
        )

    async def unsubscribe(self, list_id: int, email: str) -> Suppression:
        """Opt one address out of a list. One call, idempotent."""
        return await self._of(list_id).unsubscribe(email)

    async def resubscribe(
        self,
        list_id: int,
        email: str,
        *,
        preferred_locale: str | None = None,
        return_url: str | None = None,
    ) -> ResubscribeResult:
        """Ask an address that opted out of a list whether it wants to be mailed again.

        One call, not repeated when its outcome is in doubt: each mails a challenge.
        """
        return await self._of(list_id).resubscribe(email, preferred_locale, return_url)

    async def resubscribe_no_challenge(self, list_id: int, email: str) -> ResubscribeResult:
        """Bring an address back to a list that it opted out of. One call, idempotent."""
        return await self._of(list_id).resubscribe_no_challenge(email)

    def unsubscribed_since(
        self, list_id: int, since: datetime, *, select: int = MAX_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[Suppression]]:
        """Yield pages of who opted out of a list since then. A call each."""
        return self._of(list_id).since("unsubscribed", since, select, skip)

    def _of(self, list_id: int) -> Subscriptions:
        return Subscriptions(self._caller, "/v2/address-books/{id}/contacts", {"id": list_id})


_ALL: Final = "/v2/address-books"
_ONE: Final = "/v2/address-books/{id}"
