"""Raw values of a person into clean ones."""

import contextlib
from typing import Any

import phonenumbers
import pytest
from email_validator import validate_email
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.schemas.people import PersonIn, clean_email, clean_mobile_number
from app.services.person_values import PersonFaults, clean_body, clean_person

_LABELS = st.from_regex(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,8}[A-Za-z0-9])?", fullmatch=True)
_PLAIN_ADDRESSES = st.builds(
    "{}@{}.{}".format,
    st.from_regex(r"[a-zA-Z0-9._%+'!#$&*/=?^`{|}~-]{1,20}", fullmatch=True),
    st.lists(_LABELS, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["com", "example", "co.uk", "x1", "c", "test", "local"]),
)


class TestRows:
    def test_only_what_is_given_is_given_back(self) -> None:
        assert clean_person({}, "GB") == {}
        assert clean_person({"first_name": None}, "GB") == {"first_name": None}

    def test_values_are_kept_as_they_are_but_for_what_identifies(self) -> None:
        row = {
            "id": 7,
            "external_ref": "C-1",
            "email": " Anna@Example.com ",
            "mobile_number": "07911 123456",
            "first_name": " Anna ",
            "custom": {"a": {"b": [1, None, "x"]}},
        }
        assert clean_person(row, "GB") == {
            **row,
            "email": "Anna@Example.com",
            "mobile_number": "+447911123456",
        }

    @pytest.mark.parametrize(
        "name", ["first_name", "email", "mobile_number", "external_ref", "postcode"]
    )
    def test_blank_text_is_null(self, name: str) -> None:
        assert clean_person({name: " \t"}, "GB") == {name: None}

    @pytest.mark.parametrize(
        "word, flag",
        [("yes", True), (" TRUE", True), ("1", True), ("0", False), ("No", False), ("off", False)],
    )
    def test_flags_and_ids_may_come_as_words(self, word: str, flag: bool) -> None:
        assert clean_person({"no_email": word, "id": "12"}, "GB") == {"no_email": flag, "id": 12}

    @pytest.mark.parametrize(
        "row, fault",
        [
            pytest.param({"first_name": 5}, "/first_name", id="number"),
            pytest.param({"first_name": "a\0"}, "/first_name", id="NUL"),
            pytest.param({"first_name": "\ud800"}, "/first_name", id="half a surrogate pair"),
            pytest.param({"first_name": "x" * 1001}, "/first_name", id="long text"),
            pytest.param({"email": "x"}, "/email", id="email"),
            pytest.param({"email": "a@localhost"}, "/email", id="dotless host"),
            pytest.param({"email": "Anna <a@b.com>"}, "/email", id="display name"),
            pytest.param({"mobile_number": "+999 123"}, "/mobile_number", id="country code"),
            pytest.param({"kind": None}, "/kind", id="null kind"),
            pytest.param({"no_email": "perhaps"}, "/no_email", id="flag"),
            pytest.param({"no_email": None}, "/no_email", id="null flag"),
            pytest.param({"custom": [1]}, "/custom", id="custom is no object"),
            pytest.param({"custom": {"a": {"b": "\0"}}}, "/custom", id="NUL deep down"),
            pytest.param({"custom": {"a": "x" * 65_536}}, "/custom", id="large custom"),
            pytest.param({"id": 2**63}, "/id", id="beyond 64 bits"),
            pytest.param({"id": "99999999999999999999999"}, "/id", id="beyond 64 bits, as text"),
            pytest.param({"id": 0}, "/id", id="no id"),
            pytest.param({"a/b~": 1}, "/a~1b~0", id="unknown field"),
        ],
    )
    def test_faults_name_their_field(self, row: dict[str, Any], fault: str) -> None:
        with pytest.raises(PersonFaults) as raised:
            clean_person(row, "GB")
        assert [each.pointer for each in raised.value.faults] == [fault]
        assert str(raised.value).endswith(".")

    def test_every_fault_is_named(self) -> None:
        with pytest.raises(PersonFaults) as raised:
            clean_person({"email": "x", "mobile_number": "1", "nope": 1}, "GB")
        assert {each.pointer for each in raised.value.faults} == {
            "/email",
            "/mobile_number",
            "/nope",
        }

    def test_body_of_a_request_gets_its_number_in_e_164(self) -> None:
        body = PersonIn(mobile_number="07911 123456", city=None)
        assert clean_body(body, "GB") == {"mobile_number": "+447911123456", "city": None}
        with pytest.raises(Invalid):
            clean_body(PersonIn(mobile_number="12"), "GB")


class TestEmails:
    @given(_PLAIN_ADDRESSES)
    def test_short_way_takes_nothing_that_the_long_one_refuses(self, email: str) -> None:
        try:
            taken = clean_email(email)
        except ValueError:
            return
        assert taken == email
        plain = email.replace(".test", ".com").replace(".local", ".com")
        validate_email(plain, check_deliverability=False, strict=True)

    @given(st.text(max_size=40))
    def test_whatever_comes_is_taken_or_refused(self, text: str) -> None:
        try:
            taken = clean_email(text)
        except ValueError:
            return
        assert "@" in taken


class TestMobileNumbers:
    @given(st.from_regex(r"\+[1-9][0-9]{5,15}", fullmatch=True))
    def test_short_way_is_the_long_one(self, text: str) -> None:
        """What is kept as written is what the library makes of it."""
        expected = None
        with contextlib.suppress(phonenumbers.NumberParseException):
            number = phonenumbers.parse(text, None)
            if phonenumbers.is_possible_number_with_reason(number) == 0:
                expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if expected is None:
            with pytest.raises(ValueError, match="number"):
                clean_mobile_number(text, "GB")
        else:
            assert clean_mobile_number(text, "GB") == expected

    @pytest.mark.parametrize(
        "given, region, number",
        [
            ("07911 123456", "GB", "+447911123456"),
            ("+44 (0)7911 123456", "US", "+447911123456"),
            ("(212) 555-0123", "US", "+12125550123"),
            ("0041 79 123 45 67", "GB", "+41791234567"),
            ("+39 02 1234567", "GB", "+39021234567"),
        ],
    )
    def test_numbers_are_read_as_dialled_in_the_region(
        self, given: str, region: str, number: str
    ) -> None:
        assert clean_mobile_number(given, region) == number
