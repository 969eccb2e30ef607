"""Which path into ``custom`` was likely meant by one that nobody has. Pure."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final

#: `tire` and `tier` are this much alike.
_ALIKE: Final = 0.75


def likely_meant(path: str, seen: Iterable[str]) -> str | None:
    """Return the seen path that this one is likely a slip of; None where none is near.

    Names that differ in a number, such as `phone1` and `phone2`, are two on purpose.
    """
    wanted = _bare(path)
    near = [
        (SequenceMatcher(None, wanted, _bare(each), autojunk=False).ratio(), each) for each in seen
    ]
    near = [
        (likeness, each)
        for likeness, each in near
        if likeness >= _ALIKE and not _differs_in_number(path, each)
    ]
    return max(near, default=(0.0, None))[1]


def _bare(path: str) -> str:
    return path.removeprefix("custom.").casefold()


def _differs_in_number(one: str, other: str) -> bool:
    def without(path: str) -> str:
        return re.sub(r"\d+", "", _bare(path))

    return _bare(one) != _bare(other) and without(one) == without(other)
