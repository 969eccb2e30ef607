"""What a body's unknown field may have meant: another name, or one that is set elsewhere."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import NoneType
from typing import Any, Final, get_args

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.schemas.people import PersonValues
from app.services.field_hints import bare, hint

#: `interval` and `interval_seconds` are less alike than this, but one begins the other.
_NEAR: Final = 0.7
_SHORTEST_BEGINNING: Final = 4


def of_unknown(request: Request, location: tuple[str | int, ...]) -> str:
    """Return what to say of a body's field that there is none of, in a sentence or two."""
    route = request.scope.get("route")
    name = str(location[-1])
    shape = _shape_at(_body_of(route), location[1:-1])
    if shape is not None and isinstance(route, APIRoute):
        if len(location) == 2 and name in _shown_by(route):
            return _of_shown(request, route, name)
        if meant := _meant(name, shape):
            return f"There is no such field.{meant}"
    return "There is no such field; check its spelling in /docs."


def _of_shown(request: Request, route: APIRoute, name: str) -> str:
    """Return what to say of a field that answers have and this body hasn't."""
    for path in _changed_at(request, route, name):
        return f"{name} is not set here: set it by PATCH {path}."
    return f"{name} is read-only: dotsync sets it. Leave it out."


def _changed_at(request: Request, route: APIRoute, name: str) -> Iterator[str]:
    """Yield the paths of this thing whose PATCH takes the field."""
    if "POST" not in (route.methods or ()):
        return
    for each in request.app.routes:
        if not isinstance(each, APIRoute) or "PATCH" not in (each.methods or ()):
            continue
        collection, _, rest = each.path.rpartition("/")
        shape = _body_of(each)
        is_of_it = collection == route.path and rest.startswith("{")
        if is_of_it and shape is not None and name in shape.model_fields:
            yield each.path


def _meant(name: str, shape: type[BaseModel]) -> str:
    if issubclass(shape, PersonValues) and (told := hint(name)):
        return told
    names = {bare(each): each for each in shape.model_fields}
    letters = bare(name)
    near = get_close_matches(letters, names, n=1, cutoff=_NEAR)
    if not near and len(letters) >= _SHORTEST_BEGINNING:
        near = [each for each in names if each.startswith(letters)][:1]
    return f" Did you mean {names[near[0]]}?" if near else ""


def _shown_by(route: APIRoute) -> Mapping[str, Any]:
    shown = route.response_model
    is_shape = isinstance(shown, type) and issubclass(shown, BaseModel)
    return shown.model_fields if is_shape else {}


def _body_of(route: object) -> type[BaseModel] | None:
    field = route.body_field if isinstance(route, APIRoute) else None
    return None if field is None else _shape_of(field.field_info.annotation)


def _shape_at(shape: type[BaseModel] | None, steps: Iterable[str | int]) -> type[BaseModel] | None:
    """Return the shape that these steps lead to inside another one; an index stays where it is."""
    for step in steps:
        if shape is None or isinstance(step, int):
            continue
        field = shape.model_fields.get(step)
        shape = None if field is None else _shape_of(field.annotation)
    return shape


def _shape_of(kind: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type
    """Return the shape in a type: itself, or in what may be null, and in what is a list."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    found = (_shape_of(each) for each in get_args(kind) if each is not NoneType)
    return next((each for each in found if each is not None), None)
