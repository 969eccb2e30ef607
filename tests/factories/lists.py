"""Lists and members, straight into the database."""

from collections.abc import Iterable
from typing import Any

from app.db import Database
from app.list_options import ListOptions, parted
from app.models import Account, ListMember, MailingList, Person


async def make_list(
    database: Database,
    account: Account | None = None,
    **overrides: Any,  # noqa: ANN401 - any column or option
) -> MailingList:
    """Store a list, synchronised where an account is given; return it."""
    values: dict[str, Any] = {"name": "Readers"}
    if account is not None:
        values |= {"account_id": account.id, "synchronisation_with": "dotdigital"}
    options, others = parted({**values, **overrides})
    made = MailingList(**others, options=ListOptions.model_validate(options))
    async with database.writing() as session:
        session.add(made)
    return made


async def make_members(
    database: Database,
    mailing_list: MailingList,
    people: Iterable[Person],
    sync_state: str = "pending",
) -> None:
    """Put these people on the list in this state."""
    async with database.writing() as session:
        session.add_all(
            ListMember(list_id=mailing_list.id, person_id=person.id, sync_state=sync_state)
            for person in people
        )
