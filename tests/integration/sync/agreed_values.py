"""What both sides last knew of each value, beside what a run makes of those that moved since.

It knows nothing of how the service decides: a value that moved on one side alone is never lost, and
of one that moved on both, the side stands that the mapping's rule prefers, with a conflict to show
for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: By person, contact and data field.
Key = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Value:
    """One value on both sides."""

    ours: Any
    theirs: Any


@dataclass(slots=True)
class AgreedValues:
    """Two-way values by what both sides last knew of them."""

    #: The conflict rule of each data field that is looked after.
    rules: Mapping[str, str]
    _bases: dict[Key, Any] = field(default_factory=dict)

    def check(
        self,
        before: Mapping[Key, Value],
        after: Mapping[Key, Value],
        conflicts: set[tuple[int, str]],
        *,
        has_read: bool,
    ) -> None:
        """Hold a run against what stood before it, and keep what is known after it.

        ``conflicts``: of which person and data field it recorded one; ``has_read``: it read what
        was changed there.
        """
        for key, was in before.items():
            if key in self._bases and key in after:
                self._check_one(key, was, after[key], conflicts, has_read=has_read)
        for key, value in after.items():
            sent = key in before and before[key].theirs != value.theirs
            if (has_read and key in before) or sent or value.ours == value.theirs:
                self._keep(key, value, before.get(key), has_read=has_read)
        for key in self._bases.keys() - after.keys():
            del self._bases[key]

    def _keep(self, key: Key, value: Value, was: Value | None, *, has_read: bool) -> None:
        if key in self._bases and not has_read and was == value:
            # They came to be the same by themselves, and nobody has seen it yet.
            return
        self._bases[key] = value.theirs

    def _check_one(
        self,
        key: Key,
        was: Value,
        now: Value,
        conflicts: set[tuple[int, str]],
        *,
        has_read: bool,
    ) -> None:
        base = self._bases[key]
        ours_moved, theirs_moved = was.ours != base, was.theirs != base
        told = (key, base, was, now)
        if not theirs_moved:
            assert now.ours == was.ours, ("what moved here alone was lost", told)
        if not ours_moved:
            assert now.theirs == was.theirs, ("what moved there alone was lost", told)
        if ours_moved and theirs_moved and was.ours != was.theirs:
            rule = self.rules[key[2]]
            if rule == "prefer_dotsync":
                assert now.ours == was.ours, ("theirs stands against the rule", told)
            elif rule == "prefer_dotdigital":
                assert now.theirs == was.theirs, ("ours stands against the rule", told)
            if has_read:
                assert (key[0], key[2]) in conflicts, ("no conflict was recorded", told)
            else:
                assert now == was, ("decided without having read", told)
