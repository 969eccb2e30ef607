"""Advice on failures: every code that can come has a sentence, in whatever case it comes."""

import pytest

from app.sync.rules.failure_advice import advice, with_advice

LOOK_UP = "Look the code up in Dotdigital's documentation, then retry."


@pytest.mark.parametrize(
    "code, start",
    [
        pytest.param("invalidEmail", "Correct the person's email address.", id="as in the spec"),
        pytest.param("InvalidEmail", "Correct the person's email address.", id="as in the guide"),
        pytest.param("Duplicate", "Another contact in Dotdigital has this", id="Duplicate"),
        pytest.param("duplicateIdentifier", "Another contact in Dotdigital", id="an identifier"),
        pytest.param("ApiSchemaViolation", "A value doesn't fit its data field", id="schema"),
        pytest.param("RejectedByWatchdog", "Dotdigital's list-quality check", id="watchdog"),
        pytest.param("ExceedsAllowedContactLimit", "The account's contact allowance", id="limit"),
        pytest.param("mobile_number_taken", "Change the number on one of", id="our own"),
        pytest.param("email_linked_elsewhere", "Merge the two people", id="our own again"),
        pytest.param("kind_unknown", "Bring every replica to the version", id="of a mapping"),
    ],
)
def test_a_code_is_known_in_any_case(code: str, start: str) -> None:
    assert advice(code).startswith(start)


@pytest.mark.parametrize(
    "code",
    [
        "value_mismatch",
        "unsendable",
        "refused",
        "unknown",
        "not_in_report",
        "import_failed",
        "NoValidIdentifiers",
        "InvalidDomain",
        "InvalidContactId",
        "InvalidPhoneNumber",
        "Blocker",
        "SuppressedByDomain",
        "consentRecordsNotApplied",
    ],
)
def test_codes_of_ours_and_of_single_records_have_advice_of_their_own(code: str) -> None:
    assert advice(code) != LOOK_UP
    assert advice(code).endswith(".")


@pytest.mark.parametrize("code", ["NewlyThoughtOf", "contacts:badRequest", ""])
def test_any_other_code_is_to_be_looked_up(code: str) -> None:
    assert advice(code) == LOOK_UP


@pytest.mark.parametrize(
    "text, start",
    [
        pytest.param("'x' is blocked", "'x' is blocked. Dotdigital blocks", id="no full stop"),
        pytest.param("It is blocked. ", "It is blocked. Dotdigital blocks", id="a sentence"),
        pytest.param("", "Dotdigital blocks", id="no text"),
    ],
)
def test_what_dotdigital_says_and_what_to_do_are_two_sentences(text: str, start: str) -> None:
    assert with_advice(text, "Blocker").startswith(start)
