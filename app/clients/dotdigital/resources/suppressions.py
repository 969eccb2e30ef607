"""Opting out and in, and who has; v2-preferences-and-subscriptions.yaml [spec].

The calls on a list are the same under another path, so `lists` takes them from here.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final

import orjson
from pydantic import BeforeValidator, Field

from app.clients.dotdigital import inferred
from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.paging import SkipPage
from app.clients.dotdigital.resources.v2_pages import MAX_ROWS, v2_pages
from app.clients.dotdigital.wire import (
    Id,
    Incoming,
    Instant,
    Model,
    Outgoing,
    Text,
    in_query,
    many,
    one,
)

#: Contacts that go in one call; none is stated, see `inferred`.
MAX_SUPPRESSED: Final = inferred.MAX_IDS


class ContactReference(Incoming):
    """A contact by its id or its email, whichever it was named by; the other is None."""

    id: Id = None
    email: Text = None


class V2Contact(Incoming):
    """A contact as v2 shows it inside its other answers."""

    #: None where the address is no contact's.
    id: Id = None
    email: Annotated[str, BeforeValidator(lambda given: given or "")] = ""
    #: One of v2's 15, such as ``Subscribed``, ``HardBounced``.
    status: str | None = None


class Suppression(Incoming):
    """Somebody whom Dotdigital does not mail, since when, and why."""

    contact: V2Contact
    #: None where it can't be read; ``date_removed_text`` is as it was given.
    date_removed: Instant = None
    date_removed_text: str | None = None
    #: Such as ``Unsubscribed``, ``HardBounced``, ``IspComplained``, ``Suppressed``.
    reason: str = ""

    spellings: ClassVar = {"suppressedcontact": "contact"}


class SuppressionResult(Incoming):
    """What became of those who were to be suppressed."""

    suppressed: list[ContactReference] = Field(default_factory=list)
    #: No contact has this id or email, so nothing was done.
    not_found: list[ContactReference] = Field(default_factory=list)


class ResubscribeOutcome(StrEnum):
    """What became of a resubscription; v2-swagger.json [spec], the meanings partly inferred."""

    #: Mailed again from now on.
    ADDED = "ContactAdded"
    #: A confirmation was mailed; opted out until it is answered. A state, not an error.
    CHALLENGED = "ContactChallenged"
    #: Not allowed: it complained, or is blocked.
    REFUSED = "ContactCannotBeUnsuppressed"
    #: A word that this version of the API, or of this client, doesn't know.
    UNKNOWN = "NotAvailableInThisVersion"


def _outcome(given: object) -> object:
    words = {outcome.value.lower(): outcome for outcome in ResubscribeOutcome}
    return words.get(str(given).lower(), ResubscribeOutcome.UNKNOWN)


class ResubscribeResult(Incoming):
    """The contact after a resubscription."""

    contact: V2Contact | None = None
    outcome: Annotated[ResubscribeOutcome, BeforeValidator(_outcome)]

    spellings: ClassVar = {"status": "outcome"}


class _Email(Outgoing):
    email: Annotated[str, Field(min_length=1)]


class _Resubscription(Outgoing):
    unsubscribed_contact: _Email
    preferred_locale: str | None = None
    return_url_to_use_if_challenged: str | None = None


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The calls that stand both for the account and for one list: only their path differs."""

    caller: Caller
    #: The path's template, up to the contacts.
    prefix: str
    path: dict[str, str | int]

    async def unsubscribe(self, email: str) -> Suppression:
        """Opt an address out, whether or not it is a contact's. One call, idempotent."""
        body = _Email(email=email).encoded()
        return await self.caller.send(self._post("unsubscribe", Suppression, body))

    async def resubscribe(
        self, email: str, preferred_locale: str | None, return_url: str | None
    ) -> ResubscribeResult:
        """Bring an address back by a challenge. One call; a second one is another mail."""
        body = _Resubscription(
            unsubscribed_contact=_Email(email=email),
            preferred_locale=inferred.preferred_locale(preferred_locale or ""),
            return_url_to_use_if_challenged=return_url,
        ).encoded()
        call = self._post("resubscribe", ResubscribeResult, body, is_idempotent=False)
        return await self.caller.send(call)

    async def resubscribe_no_challenge(self, email: str) -> ResubscribeResult:
        """Bring an address back at once. One call, idempotent."""
        body = _Resubscription(unsubscribed_contact=_Email(email=email)).encoded()
        return await self.caller.send(
            self._post("resubscribe-with-no-challenge", ResubscribeResult, body)
        )

    def since(
        self, what: str, since: datetime, select: int, skip: int
    ) -> AsyncIterator[SkipPage[Suppression]]:
        """Yield pages of who was suppressed or unsubscribed since then. A call each."""
        call = Call(
            "GET",
            f"{self.prefix}/{what}-since/{{date}}",
            read=many(Suppression),
            path={**self.path, "date": in_query(since)},
        )
        return v2_pages(self.caller, call, select=select, skip=skip)

    def _post(
        self, what: str, answer: type[Model], body: bytes, *, is_idempotent: bool = True
    ) -> Call[Model]:
        return Call(
            "POST",
            f"{self.prefix}/{what}",
            read=one(answer),
            path=self.path,
            body=body,
            is_idempotent=is_idempotent,
        )


class SuppressionsResource:
    """Opts contacts of the account out and in, and says who is out."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller
        self._subscriptions = Subscriptions(caller, "/v2/contacts", {})

    async def suppress_contacts(
        self, *, contact_ids: Sequence[int] = (), emails: Sequence[str] = ()
    ) -> SuppressionResult:
        """Suppress up to 5000 contacts; the answer confirms each at once.

        One call, idempotent. An email that is no contact's is not found: `unsubscribe` takes those.
        Raises ValueError for none or more.
        """
        references = [
            *[{"id": contact_id} for contact_id in contact_ids],
            *[{"email": email} for email in emails],
        ]
        if not 1 <= len(references) <= MAX_SUPPRESSED:
            raise ValueError(f"1 to {MAX_SUPPRESSED} contacts go at once, not {len(references)}")
        return await self._caller.send(
            Call(
                "PUT",
                "/v2/contacts/suppress-contacts",
                read=one(SuppressionResult),
                body=orjson.dumps(references),
            )
        )

    async def unsubscribe(self, email: str) -> Suppression:
        """Opt one address out, by its own wish; it need not be a contact's [inferred].

        One call, idempotent.
        """
        return await self._subscriptions.unsubscribe(email)

    async def resubscribe(
        self, email: str, *, preferred_locale: str | None = None, return_url: str | None = None
    ) -> ResubscribeResult:
        """Ask an address that opted out whether it wants to be mailed again.

        One call, not repeated when its outcome is in doubt: each mails a challenge.
        """
        return await self._subscriptions.resubscribe(email, preferred_locale, return_url)

    async def resubscribe_no_challenge(self, email: str) -> ResubscribeResult:
        """Mail an address that opted out again from now on; an account may challenge all the same.

        One call, idempotent.
        """
        return await self._subscriptions.resubscribe_no_challenge(email)

    def suppressed_since(
        self, since: datetime, *, select: int = MAX_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[Suppression]]:
        """Yield pages of who was suppressed since then, for whatever reason. A call each.

        Goes on from a page's ``next_skip``, with the same bound. The order isn't promised: drop
        repeats by email, date and reason. Whether the bound is inclusive isn't stated.
        """
        return self._subscriptions.since("suppressed", since, select, skip)

    def unsubscribed_since(
        self, since: datetime, *, select: int = MAX_ROWS, skip: int = 0
    ) -> AsyncIterator[SkipPage[Suppression]]:
        """Yield pages of who unsubscribed since then; as `suppressed_since` otherwise."""
        return self._subscriptions.since("unsubscribed", since, select, skip)
