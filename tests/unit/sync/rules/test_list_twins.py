"""Which of Dotdigital's lists is the twin of which of ours."""

import pytest

from app.sync.rules.list_twins import (
    Bind,
    Create,
    Keep,
    OurList,
    Refuse,
    Rename,
    StartOver,
    Step,
    TheirList,
    plan_twins,
)

READERS = TheirList(9, "Readers", "private")
TEST = TheirList(1, "Test", "private")


def ours(list_id: int = 1, name: str = "Readers", **values: object) -> OurList:
    return OurList(list_id, name, **{"visibility": "private", **values})  # type: ignore[arg-type]


def bound(list_id: int = 1, name: str = "Readers", twin_id: int = 9, **values: object) -> OurList:
    return ours(list_id, name, twin_id=twin_id, is_bound=True, **values)


CASES = [
    pytest.param([ours()], [], [Create(1, "Readers", "private")], id="made"),
    pytest.param(
        [ours(visibility="public")], [], [Create(1, "Readers", "public")], id="made for all to see"
    ),
    pytest.param([ours()], [READERS], [Bind(1, 9, "private")], id="bound by its name"),
    pytest.param(
        [ours(name="readers")],
        [READERS],
        [Bind(1, 9, "private"), Rename(1, 9, "readers", "private")],
        id="bound by its name in another case",
    ),
    pytest.param(
        [ours()], [TheirList(9, "Readers", "public")], [Bind(1, 9, "public")], id="not hidden"
    ),
    pytest.param(
        [ours(visibility="public")],
        [READERS],
        [Bind(1, 9, "public"), Rename(1, 9, "Readers", "public")],
        id="shown where ours says so",
    ),
    pytest.param(
        [ours(name="Mine", twin_id=9)],
        [READERS],
        [Bind(1, 9, "private"), Rename(1, 9, "Mine", "private")],
        id="bound by its id and renamed",
    ),
    pytest.param([ours(twin_id=9)], [READERS], [Bind(1, 9, "private")], id="bound by its id"),
    pytest.param([bound()], [READERS], [Keep(1, 9)], id="stands"),
    pytest.param(
        [bound(name="Writers")], [READERS], [Rename(1, 9, "Writers", "private")], id="renamed"
    ),
    pytest.param(
        [bound(visibility="public")], [READERS], [Rename(1, 9, "Readers", "public")], id="shown"
    ),
    pytest.param(
        [bound()], [], [StartOver(1, 9), Create(1, "Readers", "private")], id="deleted there"
    ),
    pytest.param(
        [bound(twin_id=8)],
        [READERS],
        [StartOver(1, 8), Bind(1, 9, "private")],
        id="deleted there, and made again by hand",
    ),
    pytest.param(
        [bound(1, "Writers"), ours(2, "Readers")],
        [READERS],
        [Rename(1, 9, "Writers", "private"), Create(2, "Readers", "private")],
        id="a name that is given up is free",
    ),
    pytest.param(
        [bound(1, "B", 7), bound(2, "C", 8)],
        [TheirList(7, "A", "private"), TheirList(8, "B", "private")],
        [Rename(2, 8, "C", "private"), Rename(1, 7, "B", "private")],
        id="renamed in the order that works",
    ),
]


@pytest.mark.parametrize("our_lists, their_lists, expected", CASES)
def test_list_gets_its_twin(
    our_lists: list[OurList], their_lists: list[TheirList], expected: list[Step]
) -> None:
    taken = {one.twin_id: one.id for one in our_lists if one.twin_id is not None}
    assert plan_twins(our_lists, their_lists, taken=taken, lists_limit=10) == expected


REFUSALS = [
    pytest.param([ours(name="All Contacts")], [], {}, "list_name_reserved", id="reserved name"),
    pytest.param([ours(twin_id=1)], [TEST], {}, "list_name_reserved", id="reserved list"),
    pytest.param([ours(name="x" * 129)], [], {}, "list_name_invalid", id="too long"),
    pytest.param([ours(name=" ")], [], {}, "list_name_invalid", id="blank"),
    pytest.param([ours(twin_id=9)], [], {}, "no_such_list", id="an id that was never there"),
    pytest.param([ours(twin_id=9)], [READERS], {9: 4}, "list_bound_elsewhere", id="id taken"),
    pytest.param([ours()], [READERS], {9: 4}, "list_name_taken", id="name of another's twin"),
    pytest.param(
        [bound(1, "B", 7)],
        [TheirList(7, "A", "private"), TheirList(8, "B", "private")],
        {},
        "list_name_taken",
        id="renamed to a name that is taken",
    ),
]


@pytest.mark.parametrize("our_lists, their_lists, taken, code", REFUSALS)
def test_list_that_can_have_no_twin_says_why(
    our_lists: list[OurList], their_lists: list[TheirList], taken: dict[int, int], code: str
) -> None:
    (step,) = plan_twins(our_lists, their_lists, taken=taken, lists_limit=10)
    assert isinstance(step, Refuse)
    assert step.code == code
    assert step.text.endswith(".")


def test_two_of_ours_with_one_name_get_one_twin() -> None:
    made, refused = plan_twins([ours(1), ours(2, "READERS")], [], taken={}, lists_limit=10)
    assert made == Create(1, "Readers", "private")
    assert isinstance(refused, Refuse)
    assert (refused.code, "List 1" in refused.text) == ("list_name_taken", True)


def test_names_that_are_exchanged_are_refused_rather_than_lost() -> None:
    theirs = [TheirList(7, "A", "private"), TheirList(8, "B", "private")]
    steps = plan_twins(
        [bound(1, "B", 7), bound(2, "A", 8)], theirs, taken={7: 1, 8: 2}, lists_limit=10
    )
    assert [type(step) for step in steps] == [Refuse, Refuse]


def test_no_more_lists_are_made_than_the_account_allows() -> None:
    steps = plan_twins(
        [ours(1, "A"), ours(2, "B"), ours(3, "Readers")], [READERS], taken={}, lists_limit=2
    )
    assert steps == [
        Create(1, "A", "private"),
        Refuse(2, "list_limit", "The account has 2 lists, and its limit is 2."),
        Bind(3, 9, "private"),
    ]
