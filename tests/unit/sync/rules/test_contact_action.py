"""What one person needs in one account: the rules one by one, and none of them broken anywhere."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from app.sync.rules.contact_action import (
    Action,
    Create,
    Delete,
    HandOver,
    Refuse,
    Relink,
    Resubscribe,
    Skip,
    Suppress,
    Update,
    _held_back,
    decide,
)
from app.sync.rules.eligibility import Policy, Standing
from app.sync.rules.reasons import Reason

#: Lives, is ticked, has an email that nobody else has, and was never sent.
NEW = Standing(person_id=1, email_key="ann@example.com")
LINKED = replace(NEW, contact_id=77, email_sent="ann@example.com")
USUAL = Policy()
LIST_MEMBERS = Policy(list_members_only=True)
RELINKING = Policy(relink_taken_email=True)
SENDING_WITHOUT = Policy(send_without_taken_mobile=True)
SENDING_NONE = Policy(send_mobile_number=False)


@pytest.mark.parametrize(
    "standing, policy, action",
    [
        pytest.param(NEW, USUAL, Create(), id="a new person becomes a contact"),
        pytest.param(LINKED, USUAL, Update(77), id="a linked one is updated by its contact's id"),
        pytest.param(
            replace(LINKED, email_key="ann@new.example"),
            USUAL,
            Update(77),
            id="a changed email keeps its contact",
        ),
        pytest.param(
            replace(LINKED, email_key="ann@new.example", email_holder=2),
            USUAL,
            Refuse(Reason.LINKED_ELSEWHERE, 2),
            id="a changed email that another contact has is a failure that names the other",
        ),
        pytest.param(
            replace(LINKED, email_key="ann@new.example", email_holder=2),
            RELINKING,
            Relink(77),
            id="or leaves its contact for that one, where the account says relink",
        ),
        pytest.param(
            replace(NEW, email_holder=2),
            RELINKING,
            Skip(Reason.LINKED_ELSEWHERE, 2),
            id="a new person who shares an email waits, and that is no failure",
        ),
        pytest.param(
            replace(NEW, sync_with_mailer=False),
            USUAL,
            Skip(Reason.NOT_TICKED),
            id="who is not ticked is not sent",
        ),
        pytest.param(
            replace(LINKED, sync_with_mailer=False),
            USUAL,
            Skip(Reason.NOT_TICKED),
            id="unticking leaves the contact as it is",
        ),
        pytest.param(
            replace(LINKED, sync_with_mailer=False, no_email=True),
            USUAL,
            Suppress(77),
            id="an opt-out of who is not ticked still flows",
        ),
        pytest.param(
            NEW, LIST_MEMBERS, Skip(Reason.NOT_ON_A_LIST), id="only list members, and on no list"
        ),
        pytest.param(
            replace(NEW, on_a_list=True), LIST_MEMBERS, Create(), id="only list members, and on one"
        ),
        pytest.param(
            LINKED,
            LIST_MEMBERS,
            Skip(Reason.NOT_ON_A_LIST),
            id="leaving the last list leaves the contact as it is",
        ),
        pytest.param(
            replace(NEW, email_key=None), USUAL, Skip(Reason.BLANK_EMAIL), id="without an email"
        ),
        pytest.param(
            replace(LINKED, email_key=None),
            USUAL,
            Skip(Reason.BLANK_EMAIL),
            id="an email that was taken away leaves the contact as it is",
        ),
        pytest.param(
            replace(LINKED, email_key=None, no_email=True),
            USUAL,
            Suppress(77),
            id="an opt-out needs no email, for it goes by the contact's id",
        ),
        pytest.param(
            replace(NEW, no_email=True),
            USUAL,
            Skip(Reason.OPTED_OUT),
            id="who opted out before becoming a contact never becomes one",
        ),
        pytest.param(
            replace(NEW, shared_opt_out=True),
            USUAL,
            Skip(Reason.OPTED_OUT),
            id="nor does who shares the email of one who opted out",
        ),
        pytest.param(
            replace(LINKED, no_email=True),
            USUAL,
            Suppress(77),
            id="an opt-out goes before the fields",
        ),
        pytest.param(
            replace(LINKED, shared_opt_out=True),
            USUAL,
            Suppress(77),
            id="the strictest opt-out of those who share an email holds",
        ),
        pytest.param(
            replace(LINKED, no_email=True, suppressed_there=True),
            USUAL,
            Update(77),
            id="once it is suppressed there, its fields follow",
        ),
        pytest.param(
            replace(LINKED, suppressed_there=True),
            USUAL,
            Update(77),
            id="suppressed there alone: the fields are kept in step",
        ),
        pytest.param(replace(NEW, deleted=True), USUAL, Skip(Reason.DELETED), id="deleted, unsent"),
        pytest.param(replace(NEW, merged=True), USUAL, Skip(Reason.MERGED), id="merged, unsent"),
        pytest.param(
            replace(LINKED, deleted=True), USUAL, Delete(77), id="a deleted person's contact goes"
        ),
        pytest.param(
            replace(LINKED, merged=True), USUAL, Delete(77), id="so does one merged into another's"
        ),
        pytest.param(
            replace(LINKED, deleted=True, merged=True, sync_with_mailer=False, email_key=None),
            LIST_MEMBERS,
            Delete(77),
            id="whatever else stands in the way of sending it",
        ),
        pytest.param(
            replace(LINKED, deleted=True, no_email=True),
            USUAL,
            Suppress(77),
            id="who opted out is suppressed before it is deleted",
        ),
        pytest.param(
            replace(LINKED, deleted=True, shared_opt_out=True),
            USUAL,
            Suppress(77),
            id="deleted, while another with the email opted out",
        ),
        pytest.param(
            replace(LINKED, deleted=True, no_email=True, suppressed_there=True),
            USUAL,
            Delete(77),
            id="deleted and suppressed there already",
        ),
        pytest.param(
            replace(NEW, mobile_number="+447911123456", mobile_holder=3),
            USUAL,
            Refuse(Reason.MOBILE_TAKEN, 3),
            id="a number that another's contact has is a failure that names the other",
        ),
        pytest.param(
            replace(LINKED, mobile_number="+447911123456", mobile_holder=3),
            USUAL,
            Refuse(Reason.MOBILE_TAKEN, 3),
            id="for a linked person too",
        ),
        pytest.param(
            replace(NEW, mobile_number="+447911123456", mobile_holder=3),
            SENDING_WITHOUT,
            Create(),
            id="unless the account sends such people without the number",
        ),
        pytest.param(
            replace(NEW, mobile_number="+447911123456", mobile_holder=3),
            SENDING_NONE,
            Create(),
            id="or sends no numbers at all",
        ),
        pytest.param(
            replace(NEW, email_holder=2, mobile_holder=3),
            USUAL,
            Skip(Reason.LINKED_ELSEWHERE, 2),
            id="of a taken email and a taken number, the email is spoken of",
        ),
    ],
)
def test_a_person_needs(standing: Standing, policy: Policy, action: Action) -> None:
    assert decide(standing, policy) == action


@pytest.mark.parametrize(
    "standing, action",
    [
        pytest.param(replace(LINKED, deleted=True), HandOver(77, 5), id="deleted"),
        pytest.param(replace(LINKED, merged=True), HandOver(77, 5), id="merged"),
        pytest.param(
            replace(LINKED, deleted=True, no_email=True), Suppress(77), id="deleted and opted out"
        ),
        pytest.param(LINKED, Update(77), id="alive: the contact is its own"),
        pytest.param(replace(NEW, deleted=True), Skip(Reason.DELETED), id="deleted and unsent"),
    ],
)
def test_the_contact_goes_over_to_another_who_has_the_email(
    standing: Standing, action: Action
) -> None:
    assert decide(replace(standing, heir=5), USUAL) == action


OPTED_IN = replace(LINKED, suppressed_there=True, liftable_there=True, opted_in_since=True)
ADDRESS_OUT = replace(NEW, address_opted_out=True)
NEVER = Policy(resubscribes=False)


@pytest.mark.parametrize(
    "standing, policy, action",
    [
        pytest.param(OPTED_IN, USUAL, Resubscribe(77), id="who opted in is brought back"),
        pytest.param(OPTED_IN, NEVER, Update(77), id="unless the account says never"),
        pytest.param(
            replace(OPTED_IN, opted_in_since=False),
            USUAL,
            Update(77),
            id="who opted out later is not",
        ),
        pytest.param(
            replace(OPTED_IN, liftable_there=False),
            USUAL,
            Update(77),
            id="nor who bounced or complained",
        ),
        pytest.param(
            replace(OPTED_IN, opt_in_answered=True),
            USUAL,
            Update(77),
            id="nor is anybody asked twice for one opt-in",
        ),
        pytest.param(
            replace(OPTED_IN, suppressed_there=False, liftable_there=False, opt_in_in_doubt=True),
            USUAL,
            Resubscribe(77),
            id="a question whose answer was lost is looked into",
        ),
        pytest.param(
            replace(OPTED_IN, suppressed_there=False, opt_in_in_doubt=True, no_email=True),
            USUAL,
            Suppress(77),
            id="but an opt-out goes before that",
        ),
        pytest.param(
            replace(OPTED_IN, email_key="ann@new.example"),
            USUAL,
            Update(77),
            id="the new email goes to the contact before it is asked",
        ),
        pytest.param(
            replace(OPTED_IN, shared_opt_out=True),
            USUAL,
            Update(77),
            id="the strictest opt-out of those who share the email holds",
        ),
        pytest.param(
            ADDRESS_OUT,
            USUAL,
            Skip(Reason.ADDRESS_OPTED_OUT),
            id="an address that opted out is not sent",
        ),
        pytest.param(
            replace(ADDRESS_OUT, opted_in_since=True),
            USUAL,
            Resubscribe(None),
            id="until whoever has it opts in later",
        ),
        pytest.param(
            replace(ADDRESS_OUT, opted_in_since=True),
            NEVER,
            Skip(Reason.ADDRESS_OPTED_OUT),
            id="and not even then where the account says never",
        ),
        pytest.param(
            replace(ADDRESS_OUT, address_unknown_there=True, opted_in_since=True),
            NEVER,
            Create(),
            id="unless Dotdigital knows nothing of the address, so that nobody is brought back",
        ),
        pytest.param(
            replace(ADDRESS_OUT, address_unknown_there=True),
            USUAL,
            Skip(Reason.ADDRESS_OPTED_OUT),
            id="but it takes an opt-in there too",
        ),
        pytest.param(
            replace(
                LINKED, address_opted_out=True, address_unknown_there=True, opted_in_since=True
            ),
            USUAL,
            Update(77),
            id="a contact is not asked for an opt-out that Dotdigital knows nothing of",
        ),
        pytest.param(
            replace(LINKED, no_email=True, suppressed_there=True, opt_out_told=False),
            USUAL,
            Suppress(77),
            id="a newer opt-out is told again: the contact may have come back since the older one",
        ),
        pytest.param(
            replace(LINKED, email_key="ann@old.example", address_opted_out=True),
            USUAL,
            Suppress(77),
            id="a contact that is to get such an address is opted out first",
        ),
        pytest.param(
            replace(LINKED, email_key="ann@new.example", refused_as_taken=True),
            RELINKING,
            Relink(77, to_verify=True),
            id="an email that Dotdigital called taken is looked up before the contact is left",
        ),
        pytest.param(
            replace(LINKED, email_key="ann@new.example", refused_as_taken=True),
            USUAL,
            Update(77),
            id="and tried again where the account says fail",
        ),
    ],
)
def test_an_opt_in_or_an_address(standing: Standing, policy: Policy, action: Action) -> None:
    assert decide(standing, policy) == action


@pytest.mark.parametrize(
    "reason", [Reason.VALUE_MISMATCH, Reason.REFUSED], ids=lambda reason: reason.value
)
def test_a_record_that_was_refused_stays_a_failure(reason: Reason) -> None:
    assert _held_back(reason, LINKED) == Refuse(reason)


def test_what_dotdigital_will_not_mail_is_no_failure() -> None:
    assert _held_back(Reason.SUPPRESSED_THERE, LINKED) == Skip(Reason.SUPPRESSED_THERE)


def every_standing() -> Iterator[Standing]:
    flags = (False, True)
    for flags_of_person, flags_of_contact in product(
        product(flags, repeat=6), product(flags, repeat=5)
    ):
        deleted, merged, ticked, no_email, shared, on_a_list = flags_of_person
        linked, suppressed, has_email, email_taken, mobile_taken = flags_of_contact
        yield Standing(
            person_id=1,
            email_key="ann@example.com" if has_email else None,
            deleted=deleted,
            merged=merged,
            sync_with_mailer=ticked,
            no_email=no_email,
            shared_opt_out=shared,
            on_a_list=on_a_list,
            contact_id=77 if linked else None,
            suppressed_there=suppressed,
            email_holder=2 if email_taken else None,
            mobile_number="+447911123456",
            mobile_holder=3 if mobile_taken else None,
        )


def every_case() -> Iterator[tuple[Standing, Policy, bool]]:
    """Yield every standing under every policy: all that `decide` can be asked."""
    policies = [
        Policy(list_members_only=members, send_without_taken_mobile=without, relink_taken_email=re)
        for members, without, re in product((False, True), repeat=3)
    ]
    return product(every_standing(), [*policies, SENDING_NONE], (False, True))


def in_words(standing: Standing, policy: Policy, wanted: bool) -> str:
    """Say what is to be done: beside the first of these conditions that holds."""
    linked = standing.contact_id is not None
    opted_out = standing.no_email or standing.shared_opt_out
    gone = standing.deleted or standing.merged
    off_list = policy.list_members_only and not standing.on_a_list
    email_taken = standing.email_holder is not None
    mobile_sent = policy.send_mobile_number and not policy.send_without_taken_mobile
    rules = [
        (linked and opted_out and not standing.suppressed_there, "the opt-out is told first"),
        (linked and gone and wanted, "another gets the contact"),
        (linked and gone, "the contact goes"),
        (gone or off_list or not standing.sync_with_mailer, "nothing"),
        (standing.email_key is None, "nothing"),
        (opted_out and not linked, "nothing"),
        (email_taken and not linked, "nothing"),
        (email_taken and policy.relink_taken_email, "the contact is left"),
        (email_taken, "a failure"),
        (standing.mobile_holder is not None and mobile_sent, "a failure"),
        (linked, "an update"),
        (True, "a new contact"),
    ]
    return next(words for holds, words in rules if holds)


WORDS = {
    Suppress: "the opt-out is told first",
    HandOver: "another gets the contact",
    Relink: "the contact is left",
    Delete: "the contact goes",
    Skip: "nothing",
    Refuse: "a failure",
    Update: "an update",
    Create: "a new contact",
}


def test_every_case_ends_as_the_rules_say() -> None:
    met = set()
    for standing, policy, wanted in every_case():
        action = decide(replace(standing, heir=5 if wanted else None), policy)
        assert WORDS[type(action)] == in_words(standing, policy, wanted), (standing, policy)
        met.add(type(action))
    assert met == set(WORDS)


def test_no_case_breaks_what_may_never_happen() -> None:
    for standing, policy, wanted in every_case():
        action = decide(replace(standing, heir=5 if wanted else None), policy)
        opted_out = standing.no_email or standing.shared_opt_out
        match action:
            case Create():
                assert not opted_out, "nobody who opted out becomes a contact"
                assert standing.contact_id is None, "nobody is made a contact twice"
            case Update() | Suppress() | Delete() | HandOver() | Relink():
                assert action.contact_id == standing.contact_id == 77
            case Skip(reason, person_id) | Refuse(reason, person_id):
                assert (person_id is not None) is (
                    reason in {Reason.LINKED_ELSEWHERE, Reason.MOBILE_TAKEN}
                ), "another person is named where, and only where, another is in the way"
        if opted_out and standing.contact_id is not None:
            told = isinstance(action, Suppress)
            assert told or standing.suppressed_there, "an opt-out waits for nothing"
        if isinstance(action, Delete):
            assert standing.deleted or standing.merged, "nobody who lives loses the contact"
