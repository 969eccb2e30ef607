"""Mappings, straight into the database."""

from typing import Any

from app.db import Database
from app.models import Account, Mapping


async def make_mapping(
    database: Database,
    account: Account,
    **overrides: Any,  # noqa: ANN401 - any column
) -> Mapping:
    """Store a mapping of first_name to FIRSTNAME, unless told otherwise; return it."""
    values: dict[str, Any] = {
        "account_id": account.id,
        "person_field": "first_name",
        "dotdigital_field": "FIRSTNAME",
        "data_field_type": "String",
    }
    mapping = Mapping(**{**values, **overrides})
    async with database.writing() as session:
        session.add(mapping)
    return mapping
