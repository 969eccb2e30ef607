"""Who is sent: every condition with its outcome, and the first one in the way."""

from dataclasses import replace

import pytest

from app.sync.rules.eligibility import Condition, Policy, Standing, conditions, obstacle
from app.sync.rules.reasons import Reason

ANN = Standing(person_id=1, email_key="ann@example.com")


def test_who_may_be_sent_meets_every_condition() -> None:
    assert obstacle(ANN, Policy()) is None
    assert [(each.name, each.holds) for each in conditions(ANN, Policy())] == [
        ("not_merged", True),
        ("not_deleted", True),
        ("sync_with_mailer", True),
        ("on_a_list", True),
        ("has_email", True),
        ("not_opted_out", True),
        ("address_not_opted_out", True),
        ("email_free", True),
        ("mobile_number_free", True),
        ("not_suppressed_there", True),
        ("opt_in_confirmed", True),
    ]


@pytest.mark.parametrize(
    "standing, policy, fails",
    [
        pytest.param(replace(ANN, merged=True), Policy(), {"not_merged"}, id="merged"),
        pytest.param(replace(ANN, deleted=True), Policy(), {"not_deleted"}, id="deleted"),
        pytest.param(
            replace(ANN, sync_with_mailer=False), Policy(), {"sync_with_mailer"}, id="not ticked"
        ),
        pytest.param(ANN, Policy(list_members_only=True), {"on_a_list"}, id="on no list"),
        pytest.param(replace(ANN, email_key=None), Policy(), {"has_email"}, id="no email"),
        pytest.param(replace(ANN, no_email=True), Policy(), {"not_opted_out"}, id="opted out"),
        pytest.param(
            replace(ANN, shared_opt_out=True),
            Policy(),
            {"not_opted_out"},
            id="another with the email opted out",
        ),
        pytest.param(replace(ANN, email_holder=2), Policy(), {"email_free"}, id="email taken"),
        pytest.param(
            replace(ANN, mobile_holder=3), Policy(), {"mobile_number_free"}, id="number taken"
        ),
        pytest.param(
            replace(ANN, mobile_holder=3),
            Policy(send_without_taken_mobile=True),
            set(),
            id="number taken, and left out",
        ),
        pytest.param(
            replace(ANN, mobile_holder=3),
            Policy(send_mobile_number=False),
            set(),
            id="number taken, and none is ever sent",
        ),
        pytest.param(
            replace(
                ANN,
                merged=True,
                deleted=True,
                sync_with_mailer=False,
                email_key=None,
                no_email=True,
                email_holder=2,
                mobile_holder=3,
            ),
            Policy(list_members_only=True),
            {
                "not_merged",
                "not_deleted",
                "sync_with_mailer",
                "on_a_list",
                "has_email",
                "not_opted_out",
                "email_free",
                "mobile_number_free",
            },
            id="all at once are all told",
        ),
    ],
)
def test_conditions_that_fail(standing: Standing, policy: Policy, fails: set[str]) -> None:
    assert {each.name for each in conditions(standing, policy) if not each.holds} == fails
    assert (obstacle(standing, policy) is None) is (not fails)


def test_a_condition_names_the_other_person_it_speaks_of() -> None:
    standing = replace(ANN, email_holder=2, mobile_holder=3)
    named = {each.name: each for each in conditions(standing, Policy())}
    assert named["email_free"] == Condition("email_free", False, Reason.LINKED_ELSEWHERE, 2)
    assert named["mobile_number_free"] == Condition(
        "mobile_number_free", False, Reason.MOBILE_TAKEN, 3
    )
    assert named["has_email"].person_id is None


@pytest.mark.parametrize(
    "standing, name, person_id",
    [
        pytest.param(
            replace(ANN, shared_opt_out=True, opted_out_by=4), "not_opted_out", 4, id="a sharer"
        ),
        pytest.param(
            replace(ANN, no_email=True, shared_opt_out=True, opted_out_by=4),
            "not_opted_out",
            None,
            id="a sharer, but the person as well",
        ),
        pytest.param(replace(ANN, merged=True, merged_into=5), "not_merged", 5, id="merged"),
    ],
)
def test_whose_opt_out_it_is_and_who_survived_are_named(
    standing: Standing, name: str, person_id: int | None
) -> None:
    named = {each.name: each.person_id for each in conditions(standing, Policy())}
    assert named[name] == person_id


def test_the_obstacle_is_the_first_condition_that_fails() -> None:
    standing = replace(ANN, sync_with_mailer=False, email_key=None, email_holder=2)
    assert obstacle(standing, Policy()) is Reason.NOT_TICKED


@pytest.mark.parametrize(
    "standing, fails",
    [
        pytest.param(replace(ANN, no_email=True), {"not_opted_out"}, id="opted out"),
        pytest.param(replace(ANN, shared_opt_out=True), {"not_opted_out"}, id="a sharer opted out"),
        pytest.param(
            replace(ANN, suppressed_there=True), {"not_suppressed_there"}, id="suppressed there"
        ),
    ],
)
def test_linked_person_who_is_not_mailed_is_sent_and_told_all_the_same(
    standing: Standing, fails: set[str]
) -> None:
    linked = replace(standing, contact_id=7)
    assert obstacle(linked, Policy()) is None
    assert {each.name for each in conditions(linked, Policy()) if not each.holds} == fails
