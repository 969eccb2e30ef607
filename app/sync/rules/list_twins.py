"""Which of Dotdigital's lists is the twin of which of ours, and what that takes.

Names are unique there over lists and segments, probably in any case [inferred]: two that differ in
case alone count as one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Lists that Dotdigital keeps for itself, in lower case [doc].
RESERVED = frozenset({"test", "all contacts"})
MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class OurList:
    """One open, synchronised list of ours."""

    id: int
    name: str
    #: ``private`` or ``public``.
    visibility: str
    #: The twin's id; None where none is known yet.
    twin_id: int | None = None
    #: A run has seen the twin stand; else the id is what somebody said.
    is_bound: bool = False


@dataclass(frozen=True, slots=True)
class TheirList:
    """A list as Dotdigital has it."""

    id: int
    name: str
    #: ``private`` or ``public``.
    visibility: str


@dataclass(frozen=True, slots=True)
class Keep:
    """The twin stands as it should."""

    list_id: int
    twin_id: int


@dataclass(frozen=True, slots=True)
class Bind:
    """Their list becomes the twin: it has the name, or somebody named its id."""

    list_id: int
    twin_id: int
    #: What ours takes from it: a public list that people see is not hidden by being bound.
    visibility: str


@dataclass(frozen=True, slots=True)
class Rename:
    """The twin gets our name and visibility."""

    list_id: int
    twin_id: int
    name: str
    visibility: str


@dataclass(frozen=True, slots=True)
class Create:
    """A new list there becomes the twin."""

    list_id: int
    name: str
    visibility: str


@dataclass(frozen=True, slots=True)
class StartOver:
    """The twin is gone: another one follows, and every member is to be put onto that."""

    list_id: int
    twin_id: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """There can be no twin until somebody mends this."""

    list_id: int
    code: str
    text: str


Step = Keep | Bind | Rename | Create | StartOver | Refuse


def plan_twins(
    ours: Iterable[OurList],
    theirs: Iterable[TheirList],
    *,
    taken: Mapping[int, int],
    lists_limit: int,
) -> list[Step]:
    """Return what each list of ours takes, in the order in which it is to be done.

    ``taken``: twins of other lists of ours, by their ids; also closed ones, and those of other
    accounts of ours on the same account there. One list of ours may have two steps: `StartOver` and
    then `Create` or `Bind`, or `Bind` and then `Rename`.
    """
    plan = _Plan(theirs, taken, lists_limit)
    without: list[OurList] = []
    for one in ours:
        if one.twin_id is None or plan.is_gone(one):
            without.append(one)
        else:
            plan.hold(one)
    plan.rename_all()
    for one in without:
        plan.find_twin(one)
    return plan.steps


class _Plan:
    def __init__(
        self, theirs: Iterable[TheirList], taken: Mapping[int, int], lists_limit: int
    ) -> None:
        self.steps: list[Step] = []
        self._theirs = {each.id: each for each in theirs}
        self._ids = {_folded(each.name): each.id for each in self._theirs.values()}
        self._taken = dict(taken)
        self._limit = lists_limit
        self._count = len(self._theirs)
        self._renames: list[Rename] = []
        #: Lists of ours that a list there is about to be made for, by its name.
        self._claims: dict[str, int] = {}

    def is_gone(self, one: OurList) -> bool:
        """Say whether the twin that stood is gone; notes so."""
        twin_id = one.twin_id or 0
        if not one.is_bound or twin_id in self._theirs:
            return False
        self.steps.append(StartOver(one.id, twin_id))
        return True

    def hold(self, one: OurList) -> None:
        """Keep a list with its twin, or bind it to the one that somebody named."""
        twin_id = one.twin_id or 0
        twin = self._theirs.get(twin_id)
        holder = self._taken.get(twin_id, one.id)
        if twin is None:
            text = f"Dotdigital has no list {twin_id}."
            self.steps.append(Refuse(one.id, "no_such_list", text))
        elif holder != one.id:
            text = f"Dotdigital's list {twin_id} is the twin of list {holder} already."
            self.steps.append(Refuse(one.id, "list_bound_elsewhere", text))
        elif _folded(twin.name) in RESERVED:
            text = f"Dotdigital keeps its list {twin.name!r} for itself."
            self.steps.append(Refuse(one.id, "list_name_reserved", text))
        else:
            self._taken[twin_id] = one.id
            self._keep(one, twin)

    def rename_all(self) -> None:
        """Rename twins in an order in which each name is free; refuse what no order allows."""
        waiting = self._renames
        while waiting:
            held = []
            for each in waiting:
                if self._ids.get(_folded(each.name), each.twin_id) == each.twin_id:
                    self._rename(each)
                else:
                    held.append(each)
            if len(held) == len(waiting):
                break
            waiting = held
        else:
            return
        for each in waiting:
            self.steps.append(Refuse(each.list_id, "list_name_taken", self._who_has(each.name)))

    def find_twin(self, one: OurList) -> None:
        """Bind to the list of the same name, or make one."""
        name = _folded(one.name)
        if (refusal := _unusable(one)) is not None:
            self.steps.append(refusal)
            return
        twin = self._theirs.get(self._ids.get(name, 0))
        if name in self._claims or (twin is not None and twin.id in self._taken):
            self.steps.append(Refuse(one.id, "list_name_taken", self._who_has(one.name)))
        elif twin is not None:
            self._taken[twin.id] = one.id
            bound = self._bind(one, twin)
            self.steps.append(bound)
            if (one.name, bound.visibility) != (twin.name, twin.visibility):
                self.steps.append(Rename(one.id, twin.id, one.name, bound.visibility))
        elif self._count >= self._limit:
            text = f"The account has {self._count} lists, and its limit is {self._limit}."
            self.steps.append(Refuse(one.id, "list_limit", text))
        else:
            self._claims[name] = one.id
            self._count += 1
            self.steps.append(Create(one.id, one.name, one.visibility))

    def _keep(self, one: OurList, twin: TheirList) -> None:
        visibility = one.visibility
        if not one.is_bound:
            bound = self._bind(one, twin)
            visibility = bound.visibility
            self.steps.append(bound)
        if (one.name, visibility) != (twin.name, twin.visibility):
            self._renames.append(Rename(one.id, twin.id, one.name, visibility))
        elif one.is_bound:
            self.steps.append(Keep(one.id, twin.id))

    def _bind(self, one: OurList, twin: TheirList) -> Bind:
        is_public = "public" in {one.visibility, twin.visibility}
        return Bind(one.id, twin.id, "public" if is_public else "private")

    def _rename(self, rename: Rename) -> None:
        twin = self._theirs[rename.twin_id]
        del self._ids[_folded(twin.name)]
        self._ids[_folded(rename.name)] = twin.id
        self.steps.append(rename)

    def _who_has(self, name: str) -> str:
        """Return the sentence that says who has this name."""
        folded = _folded(name)
        if folded in self._claims:
            return f"List {self._claims[folded]} takes the name {name!r} there."
        twin_id = self._ids.get(folded, 0)
        holder = self._taken.get(twin_id)
        whose = "" if holder is None else f", the twin of list {holder},"
        return f"Dotdigital's list {twin_id}{whose} has the name {name!r}."


def _unusable(one: OurList) -> Refuse | None:
    if _folded(one.name) in RESERVED:
        return Refuse(
            one.id, "list_name_reserved", f"Dotdigital keeps the name {one.name!r} for itself."
        )
    if not one.name.strip() or len(one.name) > MAX_NAME:
        text = f"Dotdigital takes 1 to {MAX_NAME} characters; this name has {len(one.name)}."
        return Refuse(one.id, "list_name_invalid", text)
    return None


def _folded(name: str) -> str:
    return name.strip().casefold()
