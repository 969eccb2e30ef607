"""Person changes: who has to be looked at for which account, kept by triggers."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Column, DateTime, SmallInteger, text
from sqlmodel import Field, SQLModel

from app.models.columns import instant, number, one_of, words

CHANGE_REASONS = ("changed", "mapping", "new_account", "sibling", "full", "retry")


class PersonChange(SQLModel, table=True):
    """One person that an account has not yet been told of.

    A row goes only when the version that was sent (or found to need nothing) is the one that
    stands. A failed record stays, with ``next_attempt_at`` moved on.

    Without foreign keys, which would ask twice for each of a million rows; triggers of ``people``
    and ``accounts`` take the rows of who is gone.
    """

    __tablename__: ClassVar[Any] = "person_changes"
    __table_args__ = (
        CheckConstraint(one_of("reason", *CHANGE_REASONS), name="person_changes_reason"),
    )

    account_id: int = Field(sa_column=number(key=True))
    person_id: int = Field(sa_column=number(key=True))
    version: int = Field(sa_column=number())
    reason: str = Field(default="changed", sa_column=words("changed"))
    changed_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    attempts: int = Field(
        default=0,
        sa_column=Column(SmallInteger, nullable=False, server_default=text("0")),
    )
    #: Not looked at before this; ``infinity`` once the tries are used up.
    next_attempt_at: datetime = Field(
        default=None,
        sa_column=Column(
            DateTime(timezone=True), nullable=False, server_default=text("'-infinity'")
        ),
    )
