"""Where the contacts of an account stand: by id, by identifier, by when they changed.

The order of modification is a log of three flat arrays; an entry is live while the contact still
carries its sequence number. So a page of changes is a binary search and a walk, among millions.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from sandbox.state.records import Contact

#: Dead entries that are let lie before the log is written anew.
_SLACK = 200_000


class Contacts:
    """All contacts of one account, those in the recycle bin among them."""

    def __init__(self, first_id: int) -> None:
        self.first_id = first_id
        #: By id less `first_id`; None once a contact was deleted for good. Ascending by creation.
        self._all: list[Contact | None] = []
        self._created = array("q")
        #: By the same place: when it was last modified, as a number that only grows.
        self._sequences = array("q")
        self._by_email: dict[str, Contact] = {}
        self._by_mobile: dict[str, Contact] = {}
        self._by_custom: dict[str, dict[str, Contact]] = {}
        self._log_sequences = array("q")
        self._log_times = array("q")
        self._log_ids = array("q")
        self._sequence = 0
        #: How many are not in the bin.
        self.live_count = 0
        #: How many are in it.
        self.binned_count = 0

    def __iter__(self) -> Iterator[Contact]:
        """Yield the contacts that are not in the bin, ascending by id."""
        return (contact for contact in self._all if contact is not None and not contact.is_binned)

    def binned(self) -> Iterator[Contact]:
        """Yield the contacts in the recycle bin, ascending by id."""
        return (contact for contact in self._all if contact is not None and contact.is_binned)

    def by_id(self, contact_id: int) -> Contact | None:
        """Return the contact of this id, from the bin too."""
        place = contact_id - self.first_id
        return self._all[place] if 0 <= place < len(self._all) else None

    def by_email(self, email: str) -> Contact | None:
        """Return the contact of this address, in any case, from the bin too."""
        return self._by_email.get(email.lower())

    def by_mobile(self, digits: str) -> Contact | None:
        """Return the contact of this number, from the bin too."""
        return self._by_mobile.get(digits)

    def by_custom(self, name: str, value: str) -> Contact | None:
        """Return the contact that has this value of a custom identifier, from the bin too."""
        return self._by_custom.get(name, {}).get(value)

    def make(self, now_ms: int) -> Contact:
        """Make a contact without identifiers; the caller sets them."""
        contact = Contact(self.first_id + len(self._all), now_ms)
        self._all.append(contact)
        self._created.append(now_ms)
        self._sequences.append(0)
        self.live_count += 1
        return contact

    def set_email(self, contact: Contact, email: str | None) -> None:
        """Give a contact its address; the caller has made sure that it is free."""
        if contact.email is not None:
            self._by_email.pop(contact.email.lower(), None)
        contact.email = email
        if email is not None:
            folded = email.lower()
            # One text for both where they are the same: there are millions of them.
            self._by_email[email if folded == email else folded] = contact

    def set_mobile(self, contact: Contact, digits: str | None) -> None:
        """Give a contact its number; the caller has made sure that it is free."""
        if contact.mobile is not None:
            self._by_mobile.pop(contact.mobile, None)
        contact.mobile = digits
        if digits is not None:
            self._by_mobile[digits] = contact

    def set_custom(self, contact: Contact, name: str, value: str | None) -> None:
        """Give a contact a custom identifier; the caller has made sure that it is free."""
        index = self._by_custom.setdefault(name, {})
        custom = contact.custom or {}
        if name in custom:
            index.pop(custom.pop(name), None)
        if value is not None:
            custom[name] = value
            index[value] = contact
        contact.custom = custom or None

    def forget_custom(self, name: str) -> None:
        """Take a custom identifier from every contact."""
        for contact in list(self._by_custom.pop(name, {}).values()):
            if contact.custom is not None:
                contact.custom.pop(name, None)

    def touch(self, contact: Contact, now_ms: int) -> None:
        """Move a contact to the end of the order of modification."""
        self._sequence += 1
        contact.updated_ms = now_ms
        self._sequences[contact.id - self.first_id] = self._sequence
        self._log_sequences.append(self._sequence)
        self._log_times.append(now_ms)
        self._log_ids.append(contact.id)
        if len(self._log_ids) > 2 * len(self._all) + _SLACK:
            self._rewrite_log()

    def sequence_of(self, contact: Contact) -> int:
        """Return a contact's place in the order of modification."""
        return self._sequences[contact.id - self.first_id]

    def bin(self, contact: Contact) -> None:
        """Put a contact into the recycle bin; its identifiers stay its own until it is emptied."""
        contact.is_binned = True
        self.live_count -= 1
        self.binned_count += 1

    def restore(self, contact: Contact) -> None:
        """Take a contact out of the recycle bin."""
        contact.is_binned = False
        self.live_count += 1
        self.binned_count -= 1

    def empty_bin(self) -> list[Contact]:
        """Delete for good what is in the recycle bin, and return it."""
        gone = list(self.binned())
        for contact in gone:
            self.set_email(contact, None)
            self.set_mobile(contact, None)
            for name in list(contact.custom or ()):
                self.set_custom(contact, name, None)
            self._all[contact.id - self.first_id] = None
        self.binned_count = 0
        return gone

    def by_id_from(self, contact_id: int) -> Iterator[Contact]:
        """Yield contacts with at least this id, ascending; not those in the bin."""
        return self._at(range(max(0, contact_id - self.first_id), len(self._all)))

    def by_id_until(self, contact_id: int) -> Iterator[Contact]:
        """Yield contacts with at most this id, descending; not those in the bin."""
        return self._at(range(min(contact_id - self.first_id, len(self._all) - 1), -1, -1))

    def of_ids_after(self, ids: list[int], contact_id: int) -> Iterator[Contact]:
        """Yield contacts of ascending ids that are higher than this one; not those in the bin."""
        chosen = range(bisect_right(ids, contact_id), len(ids))
        return self._at(ids[place] - self.first_id for place in chosen)

    def of_ids_until(self, ids: list[int], contact_id: int) -> Iterator[Contact]:
        """Yield contacts of ascending ids up to this one, descending; not those in the bin."""
        chosen = range(bisect_right(ids, contact_id) - 1, -1, -1)
        return self._at(ids[place] - self.first_id for place in chosen)

    def first_created_since(self, since_ms: int) -> int:
        """Return the id that the first contact made at or after the instant has, or would have."""
        return self.first_id + bisect_left(self._created, since_ms)

    def first_sequence_since(self, since_ms: int) -> int:
        """Return the sequence number of the first modification at or after the instant."""
        place = bisect_left(self._log_times, since_ms)
        return self._log_sequences[place] if place < len(self._log_ids) else self._sequence + 1

    def modified_after(self, sequence: int) -> Iterator[Contact]:
        """Yield contacts whose last modification has a higher sequence number, oldest first."""
        return self._logged(range(bisect_right(self._log_sequences, sequence), len(self._log_ids)))

    def modified_until(self, sequence: int) -> Iterator[Contact]:
        """Yield contacts last modified up to this sequence number, newest first."""
        return self._logged(range(bisect_right(self._log_sequences, sequence) - 1, -1, -1))

    def _at(self, places: Iterable[int]) -> Iterator[Contact]:
        for place in places:
            contact = self._all[place] if 0 <= place < len(self._all) else None
            if contact is not None and not contact.is_binned:
                yield contact

    def _logged(self, places: Iterable[int]) -> Iterator[Contact]:
        for place in places:
            contact = self._live_at(place)
            if contact is not None and not contact.is_binned:
                yield contact

    def _live_at(self, place: int) -> Contact | None:
        """Return the contact of a log entry; None where a later entry stands for it."""
        contact = self.by_id(self._log_ids[place])
        if contact is None or self.sequence_of(contact) != self._log_sequences[place]:
            return None
        return contact

    def _rewrite_log(self) -> None:
        sequences, times, ids = array("q"), array("q"), array("q")
        for place in range(len(self._log_ids)):
            if self._live_at(place) is not None:
                sequences.append(self._log_sequences[place])
                times.append(self._log_times[place])
                ids.append(self._log_ids[place])
        self._log_sequences, self._log_times, self._log_ids = sequences, times, ids
