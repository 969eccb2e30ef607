"""`GET /contacts/v3`: contacts page by page, ascending, by filters.

A page begins after its marker: the contact id, or the place in the order of modification where that
is asked for. So pages stay right while contacts are added and changed.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from sandbox import inferred
from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.clock import read_instant
from sandbox.state import Account, Contact
from sandbox.v3 import refusals
from sandbox.v3.writing import ALL_FIELDS, BLOCKS, contact_json

MAX_LIMIT = 5000
_SINCE = re.compile(r"gte::\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z")


@dataclass(frozen=True, slots=True)
class ContactQuery:
    """What was asked for."""

    created_since_ms: int | None
    modified_since_ms: int | None
    list_id: int | None
    segment_id: int | None
    limit: int
    #: The key after which the page begins; None for the first page.
    after: int | None
    blocks: frozenset[str]
    #: None for all, empty for none.
    fields: frozenset[str] | None

    @property
    def by_modification(self) -> bool:
        """Pages go by the order of modification, else by contact id."""
        return self.modified_since_ms is not None


async def get_contacts(call: Call) -> Response:
    """Answer a page."""
    query = read_query(call)
    shifted = _shifted(call.account, query, call.row_shift)
    skipped = max(0, call.row_shift)
    contacts = list(islice(_matching(call.account, shifted), skipped, skipped + query.limit + 1))
    page, has_next = contacts[: query.limit], len(contacts) > query.limit
    items = [
        contact_json(call.account, contact, blocks=query.blocks, fields=query.fields)
        for contact in page
    ]
    links = {"self": _link(call, query.after), "first": _link(call, None)}
    if query.after is not None and (previous := _before(call.account, query)) is not None:
        links["prev"] = _link(call, previous.after)
    if has_next:
        links["next"] = _link(call, _key(call.account, query, page[-1]))
    return json_answer({"_links": links, "_items": items})


def read_query(call: Call) -> ContactQuery:
    """Read the query; raises a Refusal for what is against its pattern [doc]."""
    since = {name: _since(call, name) for name in ("~created", "~modified")}
    ids = {name: _integer(call, name) for name in ("~listId", "~segmentId")}
    for pair in (since, ids):
        if None not in pair.values():
            raise refusals.invalid_filter(" and ".join(pair))
    limit = _integer(call, "limit")
    if limit is None:
        limit = inferred.DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        raise refusals.invalid_filter(str(limit))
    blocks = _names(call, "include") or frozenset()
    if unknown := blocks - BLOCKS:
        raise refusals.invalid_filter("|".join(sorted(unknown)))
    fields: frozenset[str] | None = _names(call, "data-fields")
    return ContactQuery(
        created_since_ms=since["~created"],
        modified_since_ms=since["~modified"],
        list_id=ids["~listId"],
        segment_id=ids["~segmentId"],
        limit=limit,
        after=_marker(call),
        blocks=blocks,
        fields=None if fields is not None and ALL_FIELDS in fields else fields or frozenset(),
    )


def _since(call: Call, name: str) -> int | None:
    text = call.parameter(name)
    if text is None:
        return None
    try:
        if _SINCE.fullmatch(text):
            return read_instant(text.removeprefix("gte::"))
    except ValueError:
        pass
    raise refusals.invalid_filter(text)


def _integer(call: Call, name: str) -> int | None:
    text = call.parameter(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise refusals.invalid_filter(text)
    return int(text)


def _names(call: Call, name: str) -> frozenset[str] | None:
    """Return names parted by pipes, and those of a parameter that is given more than once."""
    given = [text for key, text in call.query.multi_items() if key.lower() == name]
    if not given:
        return None
    return frozenset(part.strip() for text in given for part in text.split("|") if part.strip())


def _marker(call: Call) -> int | None:
    text = call.parameter("marker")
    if not text:
        return None
    try:
        return int(base64.b64decode(text, validate=True).decode().removeprefix("o2:"))
    except ValueError:
        raise refusals.invalid_filter(text) from None


def _written(after: int | None) -> str:
    return "" if after is None else base64.b64encode(f"o2:{after}".encode()).decode()


def _link(call: Call, after: int | None) -> dict[str, str]:
    marker = _written(after)
    asked = [(key, text) for key, text in call.query.multi_items() if key.lower() != "marker"]
    if marker:
        asked.append(("marker", marker))
    query = urlencode(asked, quote_via=quote, safe="~:")
    host = call.sandbox.hosts[call.account.region]
    return {"marker": marker, "link": f"{host}/contacts/v3" + (f"?{query}" if query else "")}


def _key(account: Account, query: ContactQuery, contact: Contact) -> int:
    return account.contacts.sequence_of(contact) if query.by_modification else contact.id


def _start(account: Account, query: ContactQuery) -> int:
    """Return the key after which the first page begins."""
    contacts = account.contacts
    if query.modified_since_ms is not None:
        return contacts.first_sequence_since(query.modified_since_ms) - 1
    if query.created_since_ms is not None:
        return contacts.first_created_since(query.created_since_ms) - 1
    return 0


def _shifted(account: Account, query: ContactQuery, rows: int) -> ContactQuery:
    """Let the page begin by so many rows too early, where they are negative: a fault."""
    until, among = query.after, _among(account, query)
    if rows >= 0 or until is None:
        return query
    fitting = (
        each for each in _backwards(account, query, until) if among is None or each.id in among
    )
    keys = [_key(account, query, each) for each in islice(fitting, 1 - rows)]
    return replace(query, after=keys[-rows] if len(keys) > -rows else None)


def _matching(account: Account, query: ContactQuery) -> Iterator[Contact]:
    """Yield the contacts of this page and all after it."""
    start = _start(account, query)
    after = start if query.after is None else max(start, query.after)
    among = _among(account, query)
    if query.by_modification:
        found = account.contacts.modified_after(after)
    elif among is not None:
        found = account.contacts.of_ids_after(sorted_ids(account, query), after)
    else:
        found = account.contacts.by_id_from(after + 1)
    return found if among is None else (contact for contact in found if contact.id in among)


@dataclass(frozen=True, slots=True)
class _Previous:
    """The page before: where it begins; None within is the very beginning."""

    after: int | None


def _before(account: Account, query: ContactQuery) -> _Previous | None:
    """Return where the page before this one begins; None where there is nothing before it."""
    start = _start(account, query)
    among = _among(account, query)
    keys: list[int] = []
    for contact in _backwards(account, query, query.after or 0):
        key = _key(account, query, contact)
        if key <= start:
            break
        if among is None or contact.id in among:
            keys.append(key)
            if len(keys) > query.limit:
                return _Previous(after=key)
    return _Previous(after=None) if keys else None


def _backwards(account: Account, query: ContactQuery, until: int) -> Iterator[Contact]:
    """Yield contacts from this key down; of a list or segment perhaps others too."""
    contacts = account.contacts
    if query.by_modification:
        return contacts.modified_until(until)
    if _among(account, query) is not None:
        return contacts.of_ids_until(sorted_ids(account, query), until)
    return contacts.by_id_until(until)


def _among(account: Account, query: ContactQuery) -> Any:  # noqa: ANN401 - a set or a dictionary
    """Return the ids of the list or segment; None where neither was asked for."""
    if query.list_id is not None:
        the_list = account.lists.find(query.list_id)
        return the_list.members if the_list is not None else frozenset()
    if query.segment_id is not None:
        segment = account.lists.segments.get(query.segment_id)
        return segment.contact_ids if segment is not None else frozenset()
    return None


def sorted_ids(account: Account, query: ContactQuery) -> list[int]:
    """Return the ids of the list or segment, ascending."""
    the_list = account.lists.find(query.list_id) if query.list_id is not None else None
    if the_list is not None:
        return account.lists.member_ids(the_list)
    return sorted(_among(account, query))


OPERATIONS = (Operation("GET", "/contacts/v3", get_contacts),)
