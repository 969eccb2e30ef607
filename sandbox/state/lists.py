"""The lists of an account and who is on them.

A contact that unsubscribed from one list stays on it, suppressed there; one that left is gone.
"""

from collections.abc import Iterator

from sandbox.state.records import Contact, ContactList, Segment, Visibility
from sandbox.statuses import ListStatus

#: Reserved names, lower case [doc].
RESERVED = frozenset({"test", "all contacts"})
MAX_NAME = 128


class ListRefusedError(ValueError):
    """A list that the account does not take. ``code`` is v2's, without its prefix."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Lists:
    """The lists by id; names are unique over lists and segments, in any case [doc, inferred]."""

    def __init__(self, first_id: int) -> None:
        self._next_id = first_id
        self._lists: dict[int, ContactList] = {}
        self.segments: dict[int, Segment] = {}
        #: One tuple for all contacts that are on the same lists.
        self._memberships: dict[tuple[int, ...], tuple[int, ...]] = {(): ()}
        self._sorted: dict[int, tuple[int, list[int]]] = {}
        self._changes: dict[int, int] = {}

    def __iter__(self) -> Iterator[ContactList]:
        return iter(self._lists.values())

    def __len__(self) -> int:
        return len(self._lists)

    def find(self, list_id: int) -> ContactList | None:
        """Return the list of this id."""
        return self._lists.get(list_id)

    def create(
        self, name: str, visibility: Visibility = "Private", *, limit: int | None = None
    ) -> ContactList:
        """Make a list; raises ListRefusedError."""
        self._check_name(name, but_for=None)
        if limit is not None and len(self._lists) + len(self.segments) >= limit:
            raise ListRefusedError("ADDRESSBOOK_LIMITEXCEEDED")
        made = ContactList(self._take_id(), name, visibility)
        self._lists[made.id] = made
        return made

    def rename(self, the_list: ContactList, name: str, visibility: Visibility) -> None:
        """Give a list another name and visibility; raises ListRefusedError."""
        if not the_list.is_writable:
            raise ListRefusedError("ADDRESSBOOK_NOTWRITABLE")
        self._check_name(name, but_for=the_list)
        the_list.name, the_list.visibility = name, visibility

    def remove_list(self, the_list: ContactList) -> list[int]:
        """Delete a list; its contacts stay. Returns their ids; raises ListRefusedError."""
        if not the_list.is_writable:
            raise ListRefusedError("ADDRESSBOOK_NOTWRITABLE")
        if the_list.in_use:
            raise ListRefusedError("ADDRESSBOOK_IN_USE")
        del self._lists[the_list.id]
        self._sorted.pop(the_list.id, None)
        return list(the_list.members)

    def add_segment(self, name: str, contact_ids: set[int]) -> Segment:
        """Make a segment of these contacts; raises ListRefusedError."""
        self._check_name(name, but_for=None)
        segment = Segment(self._take_id(), name, contact_ids)
        self.segments[segment.id] = segment
        return segment

    def join(self, contact: Contact, the_list: ContactList, status: ListStatus) -> bool:
        """Put a contact on a list, or give it this status there; says whether anything changed."""
        if the_list.members.get(contact.id) == status:
            return False
        if contact.id not in the_list.members:
            contact.list_ids = self._shared((*contact.list_ids, the_list.id))
            self._note_change(the_list)
        the_list.members[contact.id] = status
        return True

    def leave(self, contact: Contact, the_list: ContactList) -> bool:
        """Take a contact off a list; says whether it was on it."""
        the_list.unsubscribed_ms.pop(contact.id, None)
        if the_list.members.pop(contact.id, None) is None:
            return False
        left = tuple(list_id for list_id in contact.list_ids if list_id != the_list.id)
        contact.list_ids = self._shared(left)
        self._note_change(the_list)
        return True

    def leave_all(self, contact: Contact) -> None:
        """Take a contact off every list."""
        for list_id in contact.list_ids:
            if (the_list := self._lists.get(list_id)) is not None:
                self.leave(contact, the_list)
        contact.list_ids = ()

    def of(self, contact: Contact) -> list[tuple[ContactList, ListStatus]]:
        """Return the lists that a contact is on, with its status there."""
        on = (self._lists[list_id] for list_id in contact.list_ids if list_id in self._lists)
        return [(the_list, the_list.members[contact.id]) for the_list in on]

    def member_ids(self, the_list: ContactList) -> list[int]:
        """Return the ids of a list's contacts, ascending. The list is shared: don't change it."""
        changes = self._changes.get(the_list.id, 0)
        cached = self._sorted.get(the_list.id)
        if cached is None or cached[0] != changes:
            cached = self._sorted[the_list.id] = (changes, sorted(the_list.members))
        return cached[1]

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _check_name(self, name: str, *, but_for: ContactList | None) -> None:
        if not name.strip() or len(name) > MAX_NAME:
            raise ListRefusedError("ADDRESSBOOK_INVALID")
        folded = name.strip().casefold()
        taken = {other.name.casefold() for other in self if other is not but_for}
        taken |= {segment.name.casefold() for segment in self.segments.values()}
        if folded in RESERVED or folded in taken:
            raise ListRefusedError("ADDRESSBOOK_DUPLICATE")

    def _shared(self, list_ids: tuple[int, ...]) -> tuple[int, ...]:
        return self._memberships.setdefault(list_ids, list_ids)

    def _note_change(self, the_list: ContactList) -> None:
        self._changes[the_list.id] = self._changes.get(the_list.id, 0) + 1
