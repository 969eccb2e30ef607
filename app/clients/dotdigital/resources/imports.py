"""Imports: many contacts created, updated, listed and opted in or out in one call.

``PUT /contacts/v3/import`` and its report; contacts-v3.json [spec]. At most 25 are active at once,
over all who use the account [doc].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from app.clients.dotdigital import inferred
from app.clients.dotdigital.calls import Call, Caller
from app.clients.dotdigital.wire import lowered, reading

#: The largest body that the vendor takes [doc]; bytes.
MAX_IMPORT_BYTES: Final = 50 * 1024 * 1024


class MergeOption(StrEnum):
    """What becomes of values that the contact has; holds for a whole import."""

    #: Ours takes the place of theirs; a null clears.
    OVERWRITE = "overwrite"
    #: Ours takes the place of theirs unless ours is empty.
    OVERWRITE_IF_NOT_EMPTY = "overwriteIfNotEmpty"
    #: Ours goes only where theirs is empty.
    OVERWRITE_IF_EMPTY = "overwriteIfEmpty"


class ImportStatus(StrEnum):
    """How far an import is; all but the first are its end."""

    NOT_FINISHED = "NotFinished"
    FINISHED = "Finished"
    #: Stopped by the vendor's list-quality check; a person there must clear it.
    REJECTED_BY_WATCHDOG = "RejectedByWatchdog"
    FAILED = "Failed"
    #: The account's allowance of contacts is used up.
    EXCEEDS_ALLOWED_CONTACT_LIMIT = "ExceedsAllowedContactLimit"


@dataclass(slots=True)
class ImportedContact:
    """A contact that an import created or updated."""

    contact_id: int
    email: str | None
    identifiers: Mapping[str, Any]


@dataclass(slots=True)
class ImportFailure:
    """A contact that an import did not apply, or only in part."""

    #: Where it is given, the contact was applied in part [doc].
    contact_id: int | None
    match_identifier: str
    email: str | None
    #: As they were sent; numbers may come back as text.
    identifiers: Mapping[str, Any]
    #: Code and description each; codes as the vendor spells them, in either case.
    reasons: list[tuple[str, str]]


@dataclass(slots=True)
class ImportReport:
    """What became of an import; the three lists stay empty until it has ended."""

    import_id: str
    status: ImportStatus
    #: The vendor's counts by its own names, such as ``newContacts``.
    summary: Mapping[str, int] = field(default_factory=dict)
    created: list[ImportedContact] = field(default_factory=list)
    updated: list[ImportedContact] = field(default_factory=list)
    failures: list[ImportFailure] = field(default_factory=list)


class ImportsResource:
    """Submits imports and reads their reports."""

    def __init__(self, caller: Caller) -> None:
        """Take what makes the calls."""
        self._caller = caller

    async def submit(
        self, encoded: Sequence[bytes], merge_option: MergeOption = MergeOption.OVERWRITE
    ) -> str:
        """Start an import of these contacts, each as `encode_contact` gave it; return its id.

        One call. Sending the same again is safe but takes a slot. Raises WaitForSlot where 25 are
        active, for the caller to wait; Rejected with status 413 where the body is too large for
        them; ValueError for no contacts, or for more than 50 MB of them.
        """
        head = b'{"mergeOption":"%b","contacts":[' % MergeOption(merge_option).value.encode()
        body = b"%b%b]}" % (head, b",".join(encoded))
        if not encoded or len(body) > MAX_IMPORT_BYTES:
            raise ValueError(f"an import takes 1 contact to 50 MB of them, not {len(body)} bytes")
        return await self._caller.send(
            Call("PUT", "/contacts/v3/import", read=reading(_import_id), body=body)
        )

    async def status(self, import_id: str) -> ImportReport:
        """Return how far an import is, and its whole report once it has ended. One call.

        Raises NotFound for an id that Dotdigital doesn't know, or no longer.
        """
        return await self._caller.send(
            Call(
                "GET",
                "/contacts/v3/import/{importId}",
                read=reading(_report),
                path={"importId": import_id},
            )
        )


def _import_id(given: Mapping[str, Any]) -> str:
    return str(lowered(given)["importid"])


def _report(given: Mapping[str, Any]) -> ImportReport:
    read = lowered(given)
    return ImportReport(
        import_id=str(read["importid"]),
        status=_status(read["status"]),
        summary=read.get("summary") or {},
        created=[_imported(row) for row in read.get("created") or ()],
        updated=[_imported(row) for row in read.get("updated") or ()],
        failures=[_failure(row) for row in read.get("failures") or ()],
    )


def _status(word: str) -> ImportStatus:
    if inferred.is_running(word):
        return ImportStatus.NOT_FINISHED
    for status in ImportStatus:
        if status.value.lower() == word.lower():
            return status
    raise ValueError(word)


def _imported(row: Mapping[str, Any]) -> ImportedContact:
    identifiers = row.get("identifiers") or {}
    return ImportedContact(int(row["contactId"]), identifiers.get("email"), identifiers)


def _failure(row: Mapping[str, Any]) -> ImportFailure:
    identifiers = row.get("identifiers") or {}
    contact_id = row.get("contactId")
    return ImportFailure(
        contact_id=None if contact_id is None else int(contact_id),
        match_identifier=row.get("matchIdentifier") or "",
        email=identifiers.get("email"),
        identifiers=identifiers,
        reasons=[
            (reason.get("failureCode") or "", reason.get("description") or "")
            for reason in row.get("failures") or ()
        ],
    )
