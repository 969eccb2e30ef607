"""Reasons: a word that is stored, and a sentence that is shown."""

from app.sync.rules.reasons import Reason, sentence_of


def test_a_reason_is_stored_as_its_word() -> None:
    assert Reason.LINKED_ELSEWHERE.value == "email_linked_elsewhere"
    assert f"{Reason.BLANK_EMAIL}" == "blank_email"
    assert {reason.value: reason for reason in Reason}["no_email"] is Reason.OPTED_OUT


def test_every_reason_says_something_of_its_own() -> None:
    sentences = {reason.sentence for reason in Reason}
    next_steps = {reason.next_step for reason in Reason}
    assert len(sentences) == len(next_steps) == len(Reason)
    assert all(sentence.endswith(".") for sentence in sentences | next_steps)


def test_a_reason_names_the_other_person_where_there_is_one() -> None:
    assert Reason.OPTED_OUT.told().startswith("no_email is true for the person, or for another")
    assert Reason.OPTED_OUT.told(12) == (
        "no_email is true for person 12, who has the same email address."
    )
    assert Reason.MERGED.told(12) == "The person was merged into person 12."
    assert Reason.LINKED_ELSEWHERE.told(12).endswith("holds the contact. It is person 12.")


def test_fields_are_called_by_their_names() -> None:
    assert Reason.NOT_TICKED.sentence == "sync_with_mailer is false for the person."
    assert not any("tick" in f"{reason.sentence} {reason.next_step}" for reason in Reason)


def test_a_sentence_is_found_by_its_word() -> None:
    assert sentence_of("blank_email") == (
        "The email is blank, and a contact needs one. Give the person an email."
    )
    assert sentence_of("invalidEmail") is None
