"""What `q` finds: people by any part of their names and email, over the index ``people_search``.

The index holds three bytes at every other place of a person's text (`search_codes` in the first
migration), so what is sought lies in one of two ways: its first byte at such a place, or one
further. Each way has codes that must be there; who has them is looked at for what was really asked.
"""

from collections.abc import Iterable
from typing import Final

#: More words than this narrow nothing down any further.
_MOST_WORDS: Final = 10
#: Bytes that lowered text in UTF-8 may be made of.
_BYTES: Final = (*range(1, 65), *range(91, 245))
#: Words and parts begin behind these.
_BEFORE_WORDS: Final = ("\n", " ")


def words_of(q: str) -> list[str]:
    """Return the words that must all be found, as they are sought. Empty where there is none."""
    return q.split()[:_MOST_WORDS]


def codes_of(word: str) -> tuple[bool, tuple[frozenset[int], ...]]:
    """Return sets of codes for a lowered word, and whether one code of a set is enough.

    Where it is, the person's text has at least one code of the only set; else it has all codes of
    one of the sets. A single letter is found where a word begins.
    """
    sought = word.encode()
    if len(sought) == 1:
        return True, (_either(f"{before}{word}".encode() for before in _BEFORE_WORDS),)
    if len(sought) == 2:
        return True, (_either([sought]),)
    if len(sought) == 3:
        _, second, third = sought
        return True, (frozenset([_code(sought), *(_joined(second, third, z) for z in _BYTES)]),)
    pieces = [_code(sought[place : place + 3]) for place in range(len(sought) - 2)]
    return False, (frozenset(pieces[::2]), frozenset(pieces[1::2]))


def patterns_of(word: str) -> list[str]:
    """Return the LIKE patterns of which one must fit the person's text."""
    escaped = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    if len(word.encode()) == 1:
        return [f"%{before}{escaped}%" for before in _BEFORE_WORDS]
    return [f"%{escaped}%"]


def condition(word: str) -> str:
    """Return the condition by index for a lowered word, on the alias ``person``."""
    one_is_enough, sets = codes_of(word)
    operator = "&&" if one_is_enough else "@>"
    text = "search_codes(search_text(person.email, person.first_name, person.last_name))"
    ways = (
        f"{text} {operator} '{{{','.join(map(str, sorted(codes)))}}}'::integer[]" for codes in sets
    )
    return f"({' OR '.join(ways)})"


def _either(pairs: Iterable[bytes]) -> frozenset[int]:
    """Return the codes of which a text has one, where it has one of these pairs of bytes."""
    return frozenset(
        code
        for first, second in pairs
        for z in _BYTES
        for code in (_joined(first, second, z), _joined(z, first, second))
    )


def _code(three: bytes) -> int:
    return _joined(*three)


def _joined(first: int, second: int, third: int) -> int:
    return (first << 16) | (second << 8) | third
