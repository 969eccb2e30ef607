"""v2: lists, which its paths still call address books."""

from collections.abc import Callable

from starlette.responses import Response

from sandbox.answers import empty, json_answer
from sandbox.calls import Call, Operation
from sandbox.state import ContactList
from sandbox.state.lists import ListRefusedError
from sandbox.state.records import Visibility
from sandbox.v2.refusals import refused
from sandbox.v2.requests import Fields, page, path_id, read_fields
from sandbox.v2.shapes import list_json

INVALID = "ADDRESSBOOK_INVALID"

_VISIBILITIES: dict[str, Visibility] = {"private": "Private", "public": "Public"}


def find_list(call: Call, name: str = "id") -> ContactList:
    """Return the list that the path names; refuses one that is not there."""
    the_list = call.account.lists.find(path_id(call, name))
    if the_list is None:
        raise refused("ADDRESSBOOK_NOT_FOUND")
    return the_list


def find_writable(call: Call, name: str = "id") -> ContactList:
    """Return the list that the path names; refuses one whose contacts can't be changed."""
    the_list = find_list(call, name)
    if not the_list.is_writable:
        raise refused("ADDRESSBOOK_NOTWRITABLE")
    return the_list


async def list_all(call: Call) -> Response:
    """Return the lists."""
    return _listing(call, lambda _: True)


async def list_private(call: Call) -> Response:
    """Return the private lists."""
    return _listing(call, lambda the_list: the_list.visibility == "Private")


async def list_public(call: Call) -> Response:
    """Return the public lists."""
    return _listing(call, lambda the_list: the_list.visibility == "Public")


async def get(call: Call) -> Response:
    """Return one list."""
    return json_answer(list_json(find_list(call)))


async def create(call: Call) -> Response:
    """Make a list: 201 as the generated document says, the YAML has 200."""
    name, visibility = _read(read_fields(call, INVALID))
    lists = call.account.lists
    try:
        made = lists.create(name, visibility or "Private", limit=call.account.settings.list_limit)
    except ListRefusedError as refusal:
        raise refused(refusal.code) from None
    return json_answer(list_json(made), 201)


async def update(call: Call) -> Response:
    """Rename a list, or change who sees it."""
    the_list = find_list(call)
    name, visibility = _read(read_fields(call, INVALID))
    try:
        call.account.lists.rename(the_list, name, visibility or the_list.visibility)
    except ListRefusedError as refusal:
        raise refused(refusal.code) from None
    return json_answer(list_json(the_list))


async def delete(call: Call) -> Response:
    """Delete a list; its contacts stay. 200 as the generated document says, the YAML has 204."""
    the_list = find_list(call)
    try:
        call.account.lists.remove_list(the_list)
    except ListRefusedError as refusal:
        raise refused(refusal.code) from None
    return empty(200)


def _read(body: Fields) -> tuple[str, Visibility | None]:
    name = body.text("name")
    if name is None:
        raise refused(INVALID)
    return name, body.choice("visibility", _VISIBILITIES, ("Private", "Public"))


def _listing(call: Call, is_meant: Callable[[ContactList], bool]) -> Response:
    part = page(call)
    meant = [the_list for the_list in call.account.lists if is_meant(the_list)]
    return json_answer([list_json(the_list) for the_list in meant[part.skip : part.stop]])


OPERATIONS = (
    Operation("GET", "/v2/address-books", list_all),
    Operation("POST", "/v2/address-books", create),
    Operation("GET", "/v2/address-books/private", list_private),
    Operation("GET", "/v2/address-books/public", list_public),
    Operation("GET", "/v2/address-books/{id}", get),
    Operation("PUT", "/v2/address-books/{id}", update),
    Operation("DELETE", "/v2/address-books/{id}", delete),
)
