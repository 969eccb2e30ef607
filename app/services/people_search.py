"""What `q` finds: people by any part of their names and email, over the index ``people_search``.

The index holds three bytes at every other place of a person's text (`search_codes` in the first
migration), so what is sought lies in one of two ways: its first byte at such a place, or one
further. Of each pair of neighbouring codes a text that has it holds one or the other, so a person
must have one of every pair. Who does is looked at for what was really asked.

The codes of each part of the people, 65,536 ids, are numbers of their own, which keeps one part
after another in the order of ids, however many have what is sought.
"""
# ruff: noqa: S608 - statements are put together from the names and numbers of our own

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

#: More words than this narrow nothing down any further.
_MOST_WORDS: Final = 10
#: More sets than this neither.
_MOST_SETS: Final = 6
#: What bytes are taken modulo of, the ids of one part as bits, the bits of a code without its part,
#: and the code of the first facet: as `search_codes` has it.
_BASE: Final = 81
PART_BITS: Final = 16
_CODE_BITS: Final = 20
_FACETS_FROM: Final = _BASE**3
#: Words and parts begin behind these.
_BEFORE_WORDS: Final = ("\n", " ")
TEXT: Final = "search_text(person.email, person.first_name, person.last_name)"
_CODES: Final = (
    "search_codes(person.id, person.facet, "
    "search_text(person.email, person.first_name, person.last_name))"
)

#: Codes of which a text has at least one.
AnyOf = frozenset[int]


def sought(q: str) -> list[tuple[str, ...]]:
    """Return what must be found of a lowered ``q``: of each entry at least one.

    Words are found in any place and order. A lone letter is found where a word begins, since it
    narrows down next to nothing elsewhere. Empty where nothing is sought.
    """
    words = q.split()[:_MOST_WORDS]
    if any(len(word.encode()) > 1 for word in words):
        return [(word,) for word in words]
    return [tuple(f"{before}{word}" for before in _BEFORE_WORDS) for word in words]


def code_sets(q: str) -> list[AnyOf]:
    """Return the codes of a lowered ``q``: who has it has one of each set.

    Few, and of long words before those of short ones, of which one of the three bytes may be any:
    many codes are much to go through, and one set of a word narrows down most.
    """
    entries = [[part.encode() for part in parts] for parts in sought(q)]
    by_length = sorted(entries, key=lambda texts: -len(texts[0]))
    turns = zip_longest(*(_sets_of(texts) for texts in by_length))
    sets = list(dict.fromkeys(codes for turn in turns for codes in turn if codes))
    small = [codes for codes in sets if len(codes) <= 2][:_MOST_SETS]
    return small + [codes for codes in sets if len(codes) > 2][: 1 if small else 2]


def _sets_of(texts: Sequence[bytes]) -> Iterator[AnyOf]:
    """Yield the sets of an entry: one text, or the two ways that a lone letter begins a word."""
    text = texts[0]
    if len(text) == 2:
        pairs = [_begins(pair) | _ends(pair) for pair in texts]
        yield frozenset().union(*pairs)
    elif len(text) == 3:
        yield _whole(text, 0) | _ends(text[:2])
        yield _whole(text, 0) | _begins(text[1:])
    for first in range(0, len(text) - 3, 2):
        yield _whole(text, first) | _whole(text, first + 1)
    if len(text) > 3 and len(text) % 2:
        yield _whole(text, len(text) - 4) | _whole(text, len(text) - 3)


def _whole(text: bytes, first: int) -> AnyOf:
    return frozenset([_code(*text[first : first + 3])])


def _begins(two: bytes) -> AnyOf:
    return frozenset(_code(two[0], two[1], any_byte) for any_byte in range(_BASE))


def _ends(two: bytes) -> AnyOf:
    return frozenset(_code(any_byte, two[0], two[1]) for any_byte in range(_BASE))


def _code(first: int, second: int, third: int) -> int:
    return (first % _BASE * _BASE + second % _BASE) * _BASE + third % _BASE


def in_part(sets: Sequence[AnyOf], facets: Sequence[int], part: str) -> str:
    """Return the condition by index on ``person``: a code of each set, in the part of this number.

    Who has none of the facets is left out as well.
    """
    flags = frozenset(_FACETS_FROM + facet for facet in facets)
    each = sorted([*sets, flags], key=len)
    return " AND ".join(f"{_CODES} && {_array(codes, part)}" for codes in each)


def _array(codes: AnyOf, part: str) -> str:
    listed = ",".join(map(str, sorted(codes)))
    return (
        f"ARRAY(SELECT {part} << {_CODE_BITS} | code FROM unnest('{{{listed}}}'::bigint[]) AS code)"
    )


def parts_from(first_id: str, most: int, at_least: int, most_ms: int) -> str:
    """Return what a recursive statement begins with: the ``parts`` (nth, number, last) of people.

    Only those that have people, by people_pkey, from the one of the first id on. So many of them,
    or at least so many where the statement has taken so long already; ``last`` is the one at which
    that makes an end. Behind the last people comes a part without a number.
    """
    return f"""
    parts (nth, number, last) AS (
        (SELECT 1, id >> {PART_BITS}, false FROM people WHERE id >= {first_id} ORDER BY id LIMIT 1)
        UNION ALL
        SELECT parts.nth + 1,
               (SELECT id >> {PART_BITS} FROM people
                WHERE id >= (parts.number + 1) << {PART_BITS} ORDER BY id LIMIT 1),
               parts.nth + 1 = {most} OR parts.nth + 1 >= {at_least}
               AND clock_timestamp() > statement_timestamp() + interval '{most_ms} ms'
        FROM parts WHERE parts.number IS NOT NULL AND NOT parts.last
    )"""


def in_every_part(sets: Sequence[AnyOf], facets: Sequence[int]) -> str:
    """Return the query of all who have a code of each set."""
    condition = in_part(sets, facets, "parts.number")
    return f"""
    WITH RECURSIVE {parts_from(str(-(1 << 62)), 1 << 30, 1 << 30, 0)}
    SELECT one.id FROM parts CROSS JOIN LATERAL (
        SELECT person.id FROM people AS person WHERE {condition}) AS one"""
