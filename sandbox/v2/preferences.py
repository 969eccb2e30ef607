"""v2: the marketing preferences of an account, a tree of two levels."""

from starlette.responses import Response

from sandbox.answers import json_answer
from sandbox.calls import Call, Operation
from sandbox.state import Preference
from sandbox.v2.refusals import refused
from sandbox.v2.requests import Fields, as_int32, path_id, read_fields, since_instant
from sandbox.v2.shapes import preference_json, preferences_json

INVALID = "PREFERENCE_INVALID"
FEATURE = "preferences"


async def list_all(call: Call) -> Response:
    """Return the tree."""
    return json_answer(preferences_json(call.account))


async def list_modified_since(call: Call) -> Response:
    """Return the categories and preferences that changed since a date, in the shape of the tree.

    A category is there when anything in it changed [inferred].
    """
    since_ms = since_instant(call)
    preferences = call.account.preferences
    changed = [
        node
        for node in preferences.top_level()
        if any(each.modified_ms >= since_ms for each in (node, *preferences.within(node.id)))
    ]
    return json_answer([preference_json(call.account, node) for node in changed])


async def create(call: Call) -> Response:
    """Make a preference or a category."""
    body = read_fields(call, INVALID)
    is_preference = body.flag("isPreference") or False
    public_name, private_name = _read_names(body)
    node = call.account.preferences.create(
        public_name,
        call.account.clock.stamp(),
        private_name=private_name,
        is_preference=is_preference,
        is_public=_or_true(body.flag("isPublic")),
        category_id=_read_category(call, body, is_preference=is_preference) or 0,
    )
    _place(call, node, body)
    return json_answer(preference_json(call.account, node))


async def update(call: Call) -> Response:
    """Change a preference or a category; what is not said stays, its kind always does."""
    node = find_preference(call, path_id(call))
    body = read_fields(call, INVALID)
    names = _read_names(body)
    category_id = _read_category(call, body, is_preference=node.is_preference)
    node.public_name, node.private_name = names
    if (is_public := body.flag("isPublic")) is not None:
        node.is_public = is_public
    if category_id is not None and category_id != node.category_id:
        node.category_id = category_id
    _place(call, node, body)
    node.modified_ms = call.account.clock.stamp()
    return json_answer(preference_json(call.account, node))


async def delete(call: Call) -> Response:
    """Delete a preference, or a category with all that is in it; answers a plain sentence."""
    call.account.preferences.delete(find_preference(call, path_id(call)))
    return Response(
        "Preference or category (and preferences) were deleted successfully",
        media_type="text/plain",
    )


def find_preference(call: Call, preference_id: int) -> Preference:
    """Return the preference or category of this id; refuses one that is not there."""
    node = call.account.preferences.find(preference_id)
    if node is None:
        raise refused("PREFERENCE_NOT_FOUND")
    return node


def _read_names(body: Fields) -> tuple[str, str]:
    """Both are required; the registry names a missing private name as a fault [doc]."""
    public_name, private_name = body.text("publicName"), body.text("privateName")
    if public_name is None or private_name is None:
        raise refused(INVALID)
    return public_name, private_name


def _read_category(call: Call, body: Fields, *, is_preference: bool) -> int | None:
    """Return the category that is asked for: 0 for none, None where nothing is said."""
    category_id = body.integer("categoryId")
    if not category_id:
        return category_id
    category = find_preference(call, category_id)
    if category.is_preference or not is_preference:
        raise refused(INVALID)
    return category_id


def _place(call: Call, node: Preference, body: Fields) -> None:
    """Put a node where ``order`` says: a place from 0 on, ``top`` or ``bottom`` [spec]."""
    order = (body.text("order") or "").lower()
    if not order:
        return
    places = {"top": 0, "bottom": len(call.account.preferences.within(node.category_id))}
    place = places.get(order, as_int32(order))
    if place is None or place < 0:
        raise refused(INVALID)
    call.account.preferences.place(node, place)


def _or_true(flag: bool | None) -> bool:  # noqa: FBT001 - it is what it is about
    return True if flag is None else flag


OPERATIONS = (
    Operation("GET", "/v2/preferences", list_all, feature=FEATURE),
    Operation("POST", "/v2/preferences", create, feature=FEATURE),
    Operation("GET", "/v2/preferences/modified-since/{date}", list_modified_since, feature=FEATURE),
    Operation("PUT", "/v2/preferences/{id}", update, feature=FEATURE),
    Operation("DELETE", "/v2/preferences/{id}", delete, feature=FEATURE),
)
