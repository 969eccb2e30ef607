"""Which column of a file is which field of a person, and a row's values by field.

Headers that are our field names map by themselves, in any case and with blanks, hyphens or nothing
between their words (``First Name``, ``firstName``); the caller's own map goes before that. Pure.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import pairwise
from typing import Any, Final, NoReturn

import orjson

from app.errors import FieldError, Invalid
from app.models.people import PERSON_TEXT_FIELDS
from app.services.consent_headers import why_refused
from app.services.field_hints import FIELD_NAMES, bare, hint, likely_field, likely_fields
from app.services.person_fields import FieldPathError, parse_path
from app.services.person_values import NEVER_NULL

#: Fields that a map may name.
_BY_MAP: Final = ("id", *FIELD_NAMES)
#: Without any of them nobody could be mailed, nor found again.
_IDENTITY: Final = frozenset({"email", "external_ref", "id"})
_BLANK_SAYS_NOTHING: Final = NEVER_NULL | {"id"}
_POINTER: Final = "/query/columns"
_MOST_COLUMNS: Final = 1000

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A field of a person, or a value inside ``custom`` by the keys that lead to it."""

    field: str
    keys: Keys = ()

    def __str__(self) -> str:
        return ".".join([self.field, *self.keys])


class CellError(ValueError):
    """Cells don't hold what their fields take; the text names each field and what it takes."""

    def __init__(self, *faults: str, rest: Mapping[str, Any] | None = None) -> None:
        """Take what is wrong, and the values of the row's other cells, which may be wrong, too."""
        super().__init__("; ".join(faults))
        self.rest = rest or {}


class Columns:
    """Columns of a file, in its order, with what each is taken as."""

    def __init__(
        self, targets: Sequence[tuple[int, Target]], ignored: Sequence[str], *, keeps_blank: bool
    ) -> None:
        """Take the columns by place; ``keeps_blank`` leaves a field as it stands for a blank."""
        self.targets = tuple(targets)
        self.ignored = tuple(ignored)
        #: Which field an ignored column looks like that no other column is.
        self.likely = likely_fields(ignored, {str(target) for _, target in targets})
        self._keeps_blank = keeps_blank
        # Most columns are plain text, and a file has millions of cells.
        self._plain = [
            (index, target.field) for index, target in targets if target.field in PERSON_TEXT_FIELDS
        ]
        self._special = [pair for pair in targets if pair[1].field not in PERSON_TEXT_FIELDS]

    def person(self, cells: Sequence[str]) -> dict[str, Any]:
        """Return the values of a row by field; raises CellError with all that is wrong.

        A blank cell clears its field, but for those that are never null: these keep what they have.
        """
        values: dict[str, Any] = {
            name: cell if (cell := cells[index]).strip() else None for index, name in self._plain
        }
        if self._keeps_blank:
            values = {name: cell for name, cell in values.items() if cell is not None}
        faults: list[str] = []
        for index, target in self._special:
            cell = cells[index]
            if cell and not cell.isspace():
                try:
                    value = _value(target, cell)
                except CellError as error:
                    faults.append(str(error))
                    continue
            elif self._keeps_blank or target.field in _BLANK_SAYS_NOTHING:
                continue
            else:
                value = None
            if target.keys:
                _put(values.setdefault("custom", {}), target.keys, value)
            else:
                values[target.field] = value
        if faults:
            raise CellError(*faults, rest=values)
        return values


def read_columns(text: str | None) -> dict[str, Target | None]:
    """Return the caller's map, from header to field; null ignores a column on purpose.

    Raises Invalid for what is no JSON object, and as `targets_of` does.
    """
    if text is None:
        return {}
    try:
        given: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Invalid.at(_POINTER, f"Not well-formed JSON: {error}.") from error
    if not isinstance(given, dict) or len(given) > _MOST_COLUMNS:
        _refuse('A map is a JSON object from header to person field: {"phone1": "mobile_number"}.')
    return targets_of(given)


def targets_of(given: Mapping[str, object]) -> dict[str, Target | None]:
    """Return what a map from header to the name of a field, or None, means.

    Raises Invalid for a field that isn't there, and for two headers on one field.
    """
    faults = []
    targets: dict[str, Target | None] = {}
    for header, name in given.items():
        try:
            targets[header] = _named(name)
        except FieldPathError as error:
            faults.append(FieldError(_POINTER, f"{_shown(header)}: {error}"))
    if faults:
        raise Invalid(" ".join(fault.detail for fault in faults[:3]), errors=faults[:100])
    _refuse_overlaps([each for each in targets.values() if each is not None])
    return targets


def plan_columns(
    header: Sequence[str], given: Mapping[str, Target | None], *, keeps_blank: bool = False
) -> Columns:
    """Return what each column of this header is; raises Invalid where the map doesn't fit it.

    And where no column is an email or a key, unless the map was made in sight of that; and where
    a column that says who is not to be mailed would be ignored.
    """
    chosen = _chosen(header, given)
    taken = {str(target) for target in chosen.values() if target is not None}
    ignored = []
    for index, name in enumerate(header):
        if index in chosen:
            continue
        target = _by_itself(name)
        if target is None or str(target) in taken:
            ignored.append(name)
        else:
            chosen[index] = target
    targets = tuple((index, chosen[index]) for index in sorted(chosen))
    mapped = tuple((index, target) for index, target in targets if target is not None)
    columns = Columns(mapped, ignored, keeps_blank=keeps_blank)
    if not mapped:
        raise Invalid.at("/body", _nothing_mapped(header, columns.likely))
    _refuse_overlaps([target for _, target in mapped])
    is_known = any(target.field in _IDENTITY for _, target in mapped)
    if not is_known and not (given and _IDENTITY.isdisjoint(columns.likely.values())):
        raise Invalid.at("/body", _nobody_known(header, columns.likely))
    _refuse_lost_opt_outs(columns)
    return columns


@dataclass(slots=True)
class Members:
    """Members of JSON objects, with what each is taken as; a name is looked up once."""

    given: Mapping[str, Target | None]
    _known: dict[str, Target | None] = field(default_factory=dict)

    def person(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a row by field; raises CellError for members that are no field."""
        values: dict[str, Any] = {}
        faults: list[str] = []
        for name, value in members.items():
            try:
                self._put(values, name, value)
            except CellError as error:
                faults.append(str(error))
        if faults:
            raise CellError(*faults, rest=values)
        return values

    def _put(self, values: dict[str, Any], name: str, value: object) -> None:
        target = self._target(name)
        if target is None:
            return
        if target.keys:
            _put(_object(values.setdefault("custom", {})), target.keys, value)
        elif target.field == "custom" and "custom" in values:
            values["custom"] = {**_object(values["custom"]), **_object(value)}
        elif target.field in values:
            raise CellError(f"{target}: two members of the row are this field.")
        else:
            values[target.field] = value

    def _target(self, name: str) -> Target | None:
        try:
            return self._known[name]
        except KeyError:
            pass
        target = self.given[name] if name in self.given else _by_itself(name)
        if target is None and name not in self.given:
            raise CellError(
                f"There is no person field {_shown(name)}.{hint(name)} Map it with columns, to "
                "null to leave it out."
            )
        if len(self._known) < _MOST_COLUMNS:
            self._known[name] = target
        return target


def _chosen(header: Sequence[str], given: Mapping[str, Target | None]) -> dict[int, Target | None]:
    """Return what the caller's map says of the columns, by their place."""
    chosen: dict[int, Target | None] = {}
    for name, target in given.items():
        places = [index for index, each in enumerate(header) if each == name.strip()]
        if not places:
            places = [index for index, each in enumerate(header) if bare(each) == bare(name)]
        if not places:
            near = get_close_matches(name, header, n=3)
            _refuse(
                f"The file has no column {_shown(name)}. It has "
                f"{_listed(near or header[:20])}{', ...' if not near and len(header) > 20 else ''}."
            )
        if len(places) > 1 and target is not None:
            _refuse(f"The file has {len(places)} columns {_shown(name)}: rename all but one.")
        for index in places:
            if index in chosen:
                _refuse(f"The column {_shown(header[index])} is mapped twice.")
            chosen[index] = target
    return chosen


def _named(name: object) -> Target | None:
    """Return the field that a caller names; raises FieldPathError."""
    if name is None:
        return None
    if not isinstance(name, str):
        raise FieldPathError("a person field is named by text, or null ignores the column.")
    if name in _BY_MAP:
        return Target(name)
    try:
        path = parse_path(name)
    except FieldPathError as error:
        if name.startswith("custom"):
            raise
        raise FieldPathError(
            f"There is no person field {_shown(name)}.{hint(name)} These can be set: "
            f"{', '.join(_BY_MAP)}; a value of your own is named like custom.tier."
        ) from error
    if not path.is_custom:
        raise FieldPathError(f"the person field {_shown(name)} can't be set.")
    return Target("custom", _keys(path.steps))


def _by_itself(name: str) -> Target | None:
    """Return the field that a header of this name is without being mapped."""
    name = name.strip()
    if name.startswith("custom."):
        try:
            return Target("custom", _keys(parse_path(name).steps))
        except FieldPathError:
            return None
    return _BARE_NAMES.get(bare(name))


def _keys(steps: Iterable[object]) -> Keys:
    keys = tuple(steps)
    if not all(isinstance(key, str) for key in keys):
        raise FieldPathError("an element of an array can't be set: name the key that holds it.")
    return tuple(map(str, keys))


_BARE_NAMES: Final[Mapping[str, Target]] = {bare(name): Target(name) for name in FIELD_NAMES}


def _value(target: Target, cell: str) -> object:
    """Return what a cell that is not blank holds: text, but for JSON inside ``custom``."""
    if target.field == "kind":
        return cell.strip().lower()
    if target.field != "custom" or cell.lstrip()[0] not in "{[":
        if target.field == "custom" and not target.keys:
            raise CellError("custom: this takes a JSON object.")
        return cell
    try:
        value = orjson.loads(cell)
    except orjson.JSONDecodeError as error:
        if target.keys:
            return cell
        raise CellError(f"custom: not well-formed JSON: {error}.") from error
    return value


def _object(custom: object) -> dict[str, Any]:
    if isinstance(custom, dict):
        return custom
    raise CellError("custom: this takes a JSON object, since keys of it are given too.")


def _put(custom: dict[str, Any], keys: Keys, value: object) -> None:
    for key in keys[:-1]:
        inner = custom.get(key)
        if not isinstance(inner, dict):
            inner = custom[key] = {}
        custom = inner
    custom[keys[-1]] = value


def _refuse_overlaps(targets: Sequence[Target]) -> None:
    """Raise Invalid where two columns are one field, or one lies inside the other."""
    for one, other in pairwise(sorted(targets, key=_path)):
        if one == other:
            _refuse(f"Two columns are the field {one}: map one of them to null.")
        if _path(other)[: len(_path(one))] == _path(one):
            _refuse(f"The field {other} lies inside {one}, which another column is.")


def _path(target: Target) -> Keys:
    return (target.field, *target.keys)


def _refuse_lost_opt_outs(columns: Columns) -> None:
    """Raise Invalid where a column says who opted out, and nobody would look at it."""
    opt_outs = [name for name in columns.ignored if likely_field(name) == "no_email"]
    is_told = any(target.field == "no_email" for _, target in columns.targets)
    if (why := why_refused(columns.ignored, opt_outs, is_told=is_told)) is not None:
        raise Invalid.at("/body", why)


def _nothing_mapped(header: Sequence[str], likely: Mapping[str, str]) -> str:
    return (
        f"None of the headers is a person field: {_first_of(header)}. Let the first line name the "
        f"columns, or map them with {_example(likely)}."
    )


def _nobody_known(header: Sequence[str], likely: Mapping[str, str]) -> str:
    meant = {name: field for name, field in likely.items() if field in _IDENTITY}
    ours = next((name for name in header if bare(name) == "id"), None)
    if ours is not None:
        return (
            f"No column is email or external_ref, and {_shown(ours)} counts only where it is "
            "mapped, since most files have an id of their own: "
            f"{_first_of(header)}. If it is your own key, send {_map_of(ours, 'external_ref')}; "
            f"if it is dotsync's id, {_map_of(ours, 'id')}."
        )
    if meant:
        end = f"Did you mean {_example(meant)}? A column that is mapped to null is left out."
    else:
        end = (
            f"Name one so in the first line, or say with columns what each is: {_example(likely)}."
        )
    return (
        "No column is email, external_ref or id, so that nobody could be mailed or found again: "
        f"{_first_of(header)}. {end}"
    )


def _example(likely: Mapping[str, str]) -> str:
    """Return a map that may be meant, as it is sent."""
    shown = dict(list(likely.items())[:5]) or {"phone1": "mobile_number"}
    return f"columns={json.dumps(shown, ensure_ascii=False)}"


def _map_of(name: str, field: str) -> str:
    return _example({name: field})


def _first_of(header: Sequence[str]) -> str:
    return f"{_listed(header[:20])}{', ...' if len(header) > 20 else ''}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_shown, names))


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _refuse(detail: str) -> NoReturn:
    raise Invalid.at(_POINTER, detail)
