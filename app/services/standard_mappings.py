"""The mappings that stand from the start: for the data fields that every Dotdigital account has."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from app.models import Mapping
from app.services.mapping_targets import DataFieldThere, agree
from app.services.person_fields import FIELDS

#: Of the data fields of a fresh account, those that a person of ours has a field for [doc]. Fields
#: that somebody added may hold what isn't ours to overwrite: `mapping_suggestions` offers those.
PERSON_FIELD_OF: Final = {
    "FIRSTNAME": "first_name",
    "LASTNAME": "last_name",
    "FULLNAME": "full_name",
    "POSTCODE": "postcode",
}


def standard_mappings(
    account_id: int, data_fields: Iterable[DataFieldThere], at: datetime
) -> list[Mapping]:
    """Return the standard mappings for those of the default data fields that are there."""
    made = []
    for there in data_fields:
        person_field = PERSON_FIELD_OF.get(there.name.upper())
        if person_field is None or not agree(FIELDS[person_field].type, there.type):
            continue
        made.append(
            Mapping(
                account_id=account_id,
                person_field=person_field,
                dotdigital_field=there.name,
                data_field_type=there.type,
                standard=True,
                created_at=at,
                updated_at=at,
            )
        )
    return made
