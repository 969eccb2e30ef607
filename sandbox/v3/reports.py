"""The report of an import: what was created, updated, and not taken, as it was at that moment.

Kept as references to texts that the contacts hold anyway: a report of 10,000 contacts takes a third
of a megabyte, and is written when somebody asks.
"""

from typing import Any

import orjson

from sandbox import inferred
from sandbox.state import Account, Contact, Failure
from sandbox.v3.reading import spelled


class _References:
    """Contacts by id and identifiers, four places each in one flat list."""

    __slots__ = ("_flat",)

    def __init__(self) -> None:
        self._flat: list[Any] = []

    def __len__(self) -> int:
        return len(self._flat) // 4

    def add(self, contact: Contact) -> None:
        custom = contact.custom
        self._flat += (contact.id, contact.email, contact.mobile, dict(custom) if custom else None)

    def written(self, share: float) -> list[dict[str, Any]]:
        flat = self._flat
        written = []
        for place in range(0, int(len(self) * share) * 4, 4):
            identifiers: dict[str, str] = {}
            if flat[place + 1] is not None:
                identifiers["email"] = flat[place + 1]
            if flat[place + 2] is not None:
                identifiers["mobileNumber"] = flat[place + 2]
            if flat[place + 3] is not None:
                identifiers.update(flat[place + 3])
            written.append({"contactId": flat[place], "identifiers": identifiers})
        return written


class ImportReport:
    """What became of the contacts of one import."""

    def __init__(self, account: Account, lost_share: float = 0.0) -> None:
        self._case = account.settings.failure_code_case
        self._kept_share = 1.0 - lost_share
        self._created = _References()
        self._updated = _References()
        self._failures: list[dict[str, Any]] = []
        self._globally_suppressed = 0
        self._invalid = 0
        self._duplicates = 0
        self.exceeds_allowance = False

    def applied(
        self, entry: dict[str, Any], contact: Contact, failures: list[Failure], *, is_created: bool
    ) -> None:
        """Note a contact that was created or updated; failures are parts that were left out."""
        (self._created if is_created else self._updated).add(contact)
        if failures:
            self._fail(entry, failures, contact)

    def refused(self, entry: object, failures: list[Failure], matched: Contact | None) -> None:
        """Note an entry of which nothing was applied."""
        codes = {failure.code for failure in failures}
        if "exceedsAllowedContactLimit" in codes:
            self.exceeds_allowance = True
        if "globallySuppressed" in codes:
            self._globally_suppressed += 1
        elif "duplicateIdentifier" in codes:
            self._duplicates += 1
        else:
            self._invalid += 1
        self._fail(entry if isinstance(entry, dict) else {}, failures, matched)

    def written(self, import_id: str, status: str) -> bytes:
        """Write the whole answer."""
        return orjson.dumps(
            {
                "importId": import_id,
                "status": status,
                "summary": {
                    "newContacts": len(self._created),
                    "updatedContacts": len(self._updated),
                    "globallySuppressed": self._globally_suppressed,
                    "invalidEntries": self._invalid,
                    "duplicateIdentifiers": self._duplicates,
                },
                "created": self._created.written(self._kept_share),
                "updated": self._updated.written(self._kept_share),
                "failures": self._failures,
            }
        )

    def _fail(
        self, entry: dict[str, Any], failures: list[Failure], contact: Contact | None
    ) -> None:
        entry = spelled(entry)
        row: dict[str, Any] = {} if contact is None else {"contactId": contact.id}
        identifiers = entry.get("identifiers")
        row["matchIdentifier"] = inferred.echoed_match(entry.get("matchIdentifier"))
        row["identifiers"] = inferred.echoed_identifiers(
            identifiers if isinstance(identifiers, dict) else {}, is_known=contact is not None
        )
        row["failures"] = [
            {
                "failureCode": inferred.failure_code(inferred.vendor_code(code), self._case),
                "description": description,
            }
            for code, description, _ in failures
        ]
        self._failures.append(row)
