"""Makes up people for demos, tests and benchmarks: varied, awkward, and the same each time.

Person by person, without a random generator: whoever has the same number in the file is the same
person, in a file of 50 as of 1,000,000. Of every hundred, those on certain places are awkward in a
certain way (`KINDS`), so that it can be said beforehand what becomes of them.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from samples.names import (
    BAD_NUMBERS,
    DOMAINS,
    EMOJI,
    JOBS,
    MALFORMED_EMAILS,
    NAMES,
    ORGANISATIONS,
    PLACES,
    SKUS,
    TAGS,
    TIERS,
    TITLES,
    FullName,
)

Choice = TypeVar("Choice")
Person = dict[str, Any]

#: Which of every hundred people (by place, from 0) are awkward, and how.
KINDS: Final[Mapping[str, tuple[int, ...]]] = {
    "malformed_email": (13,),
    "bad_number": (17,),
    "blank_email": (7, 57),
    "shared_email": (20, 21, 30, 31, 32),
    "shared_number": (40, 41),
    "plus_address": (5, 25, 45, 65, 85),
    "upper_case_email": (9, 29, 69),
    "no_email": (11, 61, 81),
    "not_synced": (15, 75),
    "long_text": (19,),
    "emoji": (23, 73),
    "quotes_and_newlines": (27, 47, 67),
}
_BLOCK: Final = 100
_KIND_AT: Final[Mapping[int, str]] = {
    place: kind for kind, places in KINDS.items() for place in places
}
#: Who has the email, or the number, of whom.
_SAME_EMAIL_AS: Final = {21: 20, 31: 30, 32: 30}
_SAME_NUMBER_AS: Final = {41: 40}

COLUMNS: Final = (
    "external_ref",
    "kind",
    "email",
    "mobile_number",
    "title",
    "first_name",
    "last_name",
    "job_title",
    "organisation",
    "address_line_1",
    "address_line_2",
    "city",
    "county",
    "state",
    "postcode",
    "country",
    "sync_with_mailer",
    "no_email",
    "custom.tier",
    "custom.points",
    "custom.birthday",
    "custom.newsletter",
    "custom.tags",
    "custom.orders",
)


@dataclass(frozen=True)
class Figures:
    """What is to come of the first so many people, once they are imported."""

    #: Rows that are imported, and those that are rejected.
    created: int
    rejected: int
    #: Of the imported ones: no email at all; told not to sync; opted out.
    blank_email: int
    not_synced: int
    no_email: int
    leads: int
    #: Addresses that several have, and how many people share one with somebody before them.
    shared_emails: int
    behind_another: int
    #: Numbers that two have.
    shared_numbers: int


def people(count: int, *, start: int = 0) -> Iterator[Person]:
    """Yield so many people, by field; a field that is blank is left out."""
    for number in range(start, start + count):
        yield _person(number)


def figures(count: int) -> Figures:
    """Count what is to come of the first so many people."""
    kinds = [_KIND_AT.get(number % _BLOCK) for number in range(count)]
    rejected = kinds.count("malformed_email") + kinds.count("bad_number")
    places = [number % _BLOCK for number in range(count)]
    return Figures(
        created=count - rejected,
        rejected=rejected,
        blank_email=kinds.count("blank_email"),
        not_synced=kinds.count("not_synced"),
        no_email=kinds.count("no_email"),
        leads=sum(
            _is_lead(number) and kind not in {"malformed_email", "bad_number"}
            for number, kind in enumerate(kinds)
        ),
        shared_emails=places.count(21) + places.count(31),
        behind_another=sum(place in _SAME_EMAIL_AS for place in places),
        shared_numbers=places.count(41),
    )


def write_csv(path: Path, count: int) -> None:
    """Write so many people with a header, in UTF-8."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(_csv_rows(count))


def write_ndjson(path: Path, count: int) -> None:
    """Write so many people, an object a line, in UTF-8."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_as_json(person) + "\n" for person in people(count))


def csv_chunks(count: int) -> Iterator[bytes]:
    """Yield the file that `write_csv` writes in pieces of some ten kilobytes, as a wire does."""
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\n")
    for row in _csv_rows(count):
        writer.writerow(row)
        if len(lines.held) >= 64:
            yield lines.taken()
    yield lines.taken()


class _Lines:
    """What a csv.writer writes into."""

    def __init__(self) -> None:
        self.held: list[str] = []

    def write(self, line: str) -> None:
        self.held.append(line)

    def taken(self) -> bytes:
        text, self.held = "".join(self.held), []
        return text.encode()


def _csv_rows(count: int) -> Iterator[Sequence[str]]:
    yield COLUMNS
    for number, person in enumerate(people(count)):
        custom = person.pop("custom")
        flat = {**person, **{f"custom.{key}": value for key, value in custom.items()}}
        yield [_cell(flat.get(column), number) for column in COLUMNS]


def _cell(value: object, number: int) -> str:
    match value:
        case None:
            return ""
        case bool():
            return _chosen((("no", "yes"), ("false", "TRUE"), ("0", "1")), number, 1)[value]
        case list() | dict():
            return _as_json(value)
        case _:
            return str(value)


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _person(number: int) -> Person:
    name = _name(number)
    home = _chosen(PLACES, number, 3)
    given: Person = {
        "external_ref": f"C-{number + 1:07}",
        "kind": "lead" if _is_lead(number) else "person",
        "email": _email(number, name),
        "mobile_number": _mobile_number(number),
        "title": _chosen(TITLES, number, 4),
        "first_name": name.first,
        "last_name": name.last,
        "job_title": _chosen(JOBS, number, 5),
        "organisation": _chosen(ORGANISATIONS, number, 6),
        "address_line_1": f"{_roll(number, 7) % 200 + 1} {home.street}",
        "city": home.city,
        "county": home.county,
        "state": home.state,
        "postcode": home.postcode,
        "country": home.country,
        "custom": _custom(number),
    }
    if (kind := _KIND_AT.get(number % _BLOCK)) is not None:
        given |= _TWISTS[kind](number, given)
    return {field: value for field, value in given.items() if value is not None}


def _is_lead(number: int) -> bool:
    return number % _BLOCK % 12 == 6


def _name(number: int) -> FullName:
    # In turn rather than by chance, so that a small file has them all.
    return NAMES[number % len(NAMES)]


def _email(number: int, name: FullName) -> str:
    return f"{name.mailbox}.{number + 1}@{_chosen(DOMAINS, number, 8)}"


def _mobile_number(number: int) -> str | None:
    """Return a number of one's own, written in one of many ways; a quarter have none."""
    digits = f"{number:08}"[-8:]
    match _roll(number, 9) % 8:
        case 0 | 1:
            return None
        case 2:
            return f"074{digits[:2]} {digits[2:]}"
        case 3:
            return f"+44 (0)74{digits[:2]}-{digits[2:5]}-{digits[5:]}"
        case 4:
            return f"+49 151 {digits}"
        case 5:
            return f"0033 6 {digits[:2]} {digits[2:4]} {digits[4:6]} {digits[6:]}"
        case _:
            return f"+4474{digits}"


def _custom(number: int) -> dict[str, Any]:
    custom = {
        "tier": _chosen(TIERS, number, 10),
        "points": _roll(number, 11) % 5000 if number % 3 else None,
        "birthday": _date(number, 1940, 65) if number % 4 else None,
        "newsletter": bool(_roll(number, 13) % 3) if number % 5 else None,
        "tags": [tag for place, tag in enumerate(TAGS) if _roll(number, 14) >> place & 1],
        "orders": [_order(number, each) for each in range(_roll(number, 15) % 4)],
    }
    return {key: value for key, value in custom.items() if value not in (None, [])}


def _order(number: int, each: int) -> dict[str, Any]:
    salt = 16 + each
    return {
        "sku": _chosen(SKUS, number, salt),
        "total": round(_roll(number, salt) % 50_000 / 100, 2),
        "placed_on": _date(number + each, 2024, 2),
        "lines": [{"quantity": _roll(number, salt) % 9 + 1, "gift": bool(number % 2)}],
    }


def _date(number: int, first_year: int, years: int) -> str:
    roll = _roll(number, 12)
    return f"{first_year + roll % years}-{roll // 100 % 12 + 1:02}-{roll // 1200 % 28 + 1:02}"


def _malformed_email(number: int, _given: Person) -> Person:
    return {"email": MALFORMED_EMAILS[number // _BLOCK % len(MALFORMED_EMAILS)]}


def _bad_number(number: int, _given: Person) -> Person:
    return {"mobile_number": BAD_NUMBERS[number // _BLOCK % len(BAD_NUMBERS)]}


def _blank_email(number: int, _given: Person) -> Person:
    return {"email": None if number // _BLOCK % 2 else "   "}


def _shared_email(number: int, _given: Person) -> Person:
    """Share the address of somebody before, some in another case."""
    place = number % _BLOCK
    if place not in _SAME_EMAIL_AS:
        return {}
    earlier = number - place + _SAME_EMAIL_AS[place]
    email = _email(earlier, _name(earlier))
    return {"email": email.title() if place == 31 else email}


def _shared_number(number: int, _given: Person) -> Person:
    place = number % _BLOCK
    owner = number - place + _SAME_NUMBER_AS.get(place, place)
    return {"mobile_number": f"+4474{owner:08}"}


def _plus_address(_number: int, given: Person) -> Person:
    mailbox, _, domain = given["email"].partition("@")
    return {"email": f"{mailbox}+news/2026@{domain}"}


def _upper_case_email(_number: int, given: Person) -> Person:
    return {"email": given["email"].upper()}


def _no_email(_number: int, _given: Person) -> Person:
    return {"no_email": True}


def _not_synced(_number: int, _given: Person) -> Person:
    return {"sync_with_mailer": False}


def _long_text(_number: int, _given: Person) -> Person:
    return {"job_title": "Deputy assistant to the deputy assistant. " * 23}


def _emoji(number: int, given: Person) -> Person:
    emoji = _chosen(EMOJI, number, 20)
    return {"first_name": f"{given['first_name']} {emoji}", "organisation": f"{emoji} Events"}


def _quotes_and_newlines(_number: int, given: Person) -> Person:
    return {
        "organisation": 'The "Old", the New; & Co.',
        "address_line_1": f'Flat 2,\n"The Barn"\r\n{given["address_line_1"]}',
    }


_TWISTS: Final[Mapping[str, Callable[[int, Person], Person]]] = {
    "malformed_email": _malformed_email,
    "bad_number": _bad_number,
    "blank_email": _blank_email,
    "shared_email": _shared_email,
    "shared_number": _shared_number,
    "plus_address": _plus_address,
    "upper_case_email": _upper_case_email,
    "no_email": _no_email,
    "not_synced": _not_synced,
    "long_text": _long_text,
    "emoji": _emoji,
    "quotes_and_newlines": _quotes_and_newlines,
}


def _chosen(among: Sequence[Choice], number: int, salt: int) -> Choice:
    return among[_roll(number, salt) % len(among)]


def _roll(number: int, salt: int) -> int:
    """Return a number that is the same each time and looks like chance (Knuth's multiplier)."""
    mixed = (number * 2_654_435_761 + salt * 40_503_227) & 0xFFFFFFFF
    mixed ^= mixed >> 15
    return mixed * 2_246_822_519 >> 7 & 0xFFFFFF
