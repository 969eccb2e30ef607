"""Which mappings an account has from the start."""

from dataclasses import dataclass

from app.services.standard_mappings import standard_mappings
from tests.clock import START


@dataclass(frozen=True)
class Field:
    name: str
    type: str = "String"


def test_default_data_fields_are_mapped_to_dotdigital() -> None:
    there = [
        Field("FIRSTNAME"),
        Field("LASTNAME"),
        Field("FULLNAME"),
        Field("GENDER"),
        Field("POSTCODE"),
        Field("LASTSUBSCRIBED", "Date"),
        Field("COMPANY"),
    ]

    made = standard_mappings(7, there, START)

    assert [(each.person_field, each.dotdigital_field) for each in made] == [
        ("first_name", "FIRSTNAME"),
        ("last_name", "LASTNAME"),
        ("full_name", "FULLNAME"),
        ("postcode", "POSTCODE"),
    ]
    assert all(each.standard and each.account_id == 7 for each in made)
    assert {(each.kind, each.data_field_type) for each in made} == {("field", "String")}


def test_only_what_is_there_and_can_hold_it_is_mapped() -> None:
    made = standard_mappings(7, [Field("FirstName"), Field("POSTCODE", "Numeric")], START)

    assert [each.dotdigital_field for each in made] == ["FirstName"]
