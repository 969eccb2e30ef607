"""What `q` finds: people by any part of their names and email, over the index ``people_search``.

The index holds three bytes at every other place of a person's text (`search_codes` in the first
migration), so what is sought lies in one of two ways: its first byte at such a place, or one
further. Either way has codes that must all be there, where a byte outside of what is sought may be
any. Who has them is looked at for what was really asked.
"""

from collections.abc import Iterator
from typing import Final

#: More words than this narrow nothing down any further.
_MOST_WORDS: Final = 10
#: Bytes that lowered text in UTF-8 may be made of.
_BYTES: Final = (*range(1, 65), *range(91, 245))
#: Words and parts begin behind these.
_BEFORE_WORDS: Final = ("\n", " ")
_CODES: Final = "search_codes(search_text(person.email, person.first_name, person.last_name))"
TEXT: Final = "search_text(person.email, person.first_name, person.last_name)"

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


def condition(parts: tuple[str, ...]) -> str | None:
    """Return the condition by index, on the alias ``person``; None for one byte alone."""
    texts = [part.encode() for part in parts]
    if any(len(text) == 1 for text in texts):
        return None
    if all(len(text) == 2 for text in texts):
        # One code is enough, whichever way it lies: a single look-up for all of them.
        return _has(
            frozenset().union(*(codes for text in texts for way in ways(text) for codes in way))
        )
    return " OR ".join(_has_all(way) for text in texts for way in ways(text))


def ways(text: bytes) -> Iterator[list[AnyOf]]:
    """Yield, for both ways that the text may lie, what must be there. Two bytes at least."""
    for first in (0, -1):
        yield [
            _codes(text[max(place, 0) : place + 3], before=max(-place, 0))
            for place in range(first, len(text) - 1, 2)
        ]


def _codes(known: bytes, before: int) -> AnyOf:
    """Return the codes that have these two or three bytes, behind one of any where it says so."""
    if len(known) == 3:
        return frozenset([_code(*known)])
    one, two = known
    if before:
        return frozenset(_code(any_byte, one, two) for any_byte in _BYTES)
    return frozenset(_code(one, two, any_byte) for any_byte in _BYTES)


def _code(first: int, second: int, third: int) -> int:
    return (first << 16) | (second << 8) | third


def _has_all(way: list[AnyOf]) -> str:
    single = frozenset(code for codes in way if len(codes) == 1 for code in codes)
    conditions = [f"{_CODES} @> {_array(single)}"] if single else []
    conditions += [_has(codes) for codes in way if len(codes) > 1]
    return f"({' AND '.join(conditions)})"


def _has(codes: AnyOf) -> str:
    return f"{_CODES} && {_array(codes)}"


def _array(codes: AnyOf) -> str:
    return f"'{{{','.join(map(str, sorted(codes)))}}}'::integer[]"
