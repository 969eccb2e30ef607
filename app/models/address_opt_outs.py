"""Address opt-outs: addresses that must not be mailed, whoever has them next."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from app.models.columns import instant, one_of, reference, words

#: ``left``: by somebody who opted out; it is a fact for us, of which Dotdigital isn't told.
#: ``perhaps_a_contact``: told without making one, where there is none.
OPT_OUT_SOURCES = ("never_a_contact", "perhaps_a_contact", "old_address", "deleted", "left")


class AddressOptOut(SQLModel, table=True):
    """One address that an account keeps off mail, on Dotdigital's suppression list as a rule.

    Whoever has it counts as opted out, until somebody who has it opts in later than
    ``opted_out_at``. ``confirmed_at`` is null until Dotdigital has been told.
    """

    __tablename__: ClassVar[Any] = "address_opt_outs"
    __table_args__ = (
        CheckConstraint(one_of("source", *OPT_OUT_SOURCES), name="address_opt_outs_source"),
        Index(
            "address_opt_outs_untold",
            "account_id",
            "email_key",
            postgresql_where=text("confirmed_at IS NULL"),
        ),
    )

    account_id: int = Field(sa_column=reference("accounts.id", key=True))
    #: As people's are compared.
    email_key: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(sa_column=words())
    opted_out_at: datetime = Field(sa_column=instant(nullable=False))
    #: The import that tells Dotdigital, where many go at once.
    dotdigital_import_id: str | None = Field(default=None, sa_column=words(nullable=True))
    confirmed_at: datetime | None = Field(default=None, sa_column=instant())
    #: Why Dotdigital did not take it; it is not told again.
    refusal: str | None = Field(default=None, sa_column=words(nullable=True))
