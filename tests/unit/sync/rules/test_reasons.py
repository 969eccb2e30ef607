"""Reasons: a word that is stored, and a sentence that is shown."""

from app.sync.rules.reasons import Reason, sentence_of


def test_a_reason_is_stored_as_its_word() -> None:
    assert Reason.LINKED_ELSEWHERE.value == "email_linked_elsewhere"
    assert f"{Reason.BLANK_EMAIL}" == "blank_email"
    assert {reason.value: reason for reason in Reason}["no_email"] is Reason.OPTED_OUT


def test_every_reason_says_something_of_its_own() -> None:
    sentences = {reason.sentence for reason in Reason}
    assert len(sentences) == len(Reason)
    assert all(sentence.endswith(".") for sentence in sentences)


def test_a_sentence_is_found_by_its_word() -> None:
    assert sentence_of("blank_email") == "The email is blank, and a contact needs one."
    assert sentence_of("refused") == "Dotdigital refused the record."
    assert sentence_of("invalidEmail") is None
