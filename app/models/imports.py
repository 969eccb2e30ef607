"""Imports: bulk jobs that Dotdigital runs for us, and the records in flight in them."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.columns import identity, instant, number, one_of, reference, words

IMPORT_KINDS = ("people", "members", "removal", "deletion", "resubscription")
IMPORT_STATUSES = ("submitting", "open", "finished", "failed", "lost")


class Import(SQLModel, table=True):
    """One import; ``submitting`` is our intent, written before Dotdigital is called."""

    __tablename__: ClassVar[Any] = "imports"
    __table_args__ = (
        CheckConstraint(one_of("status", *IMPORT_STATUSES), name="imports_status"),
        CheckConstraint(
            one_of("kind", *IMPORT_KINDS),
            name="imports_kind",
        ),
        Index(
            "imports_unsettled",
            "account_id",
            "id",
            postgresql_where=text("status IN ('submitting', 'open')"),
        ),
        Index("imports_run", "run_id"),
        Index("imports_by_id", "account_id", "id"),
    )

    id: int = Field(default=None, sa_column=identity())
    account_id: int = Field(sa_column=reference("accounts.id"))
    run_id: int | None = Field(
        default=None,
        sa_column=reference("runs.id", nullable=True, on_delete="SET NULL"),
    )
    #: The attempt of the run that wrote it, so that a successor knows its predecessor's.
    attempt: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    kind: str = Field(default="people", sa_column=words("people"))
    status: str = Field(default="submitting", sa_column=words("submitting"))
    dotdigital_import_id: str | None = Field(default=None, sa_column=words(nullable=True))
    records: int = Field(default=0, sa_column=number(0))
    created: int = Field(default=0, sa_column=number(0))
    updated: int = Field(default=0, sa_column=number(0))
    failed: int = Field(default=0, sa_column=number(0))
    polls: int = Field(
        default=0, sa_column=Column(Integer, nullable=False, server_default=text("0"))
    )
    next_poll_at: datetime | None = Field(default=None, sa_column=instant())
    error: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB, nullable=True))
    created_at: datetime = Field(default=None, sa_column=instant(nullable=False, default_now=True))
    submitted_at: datetime | None = Field(default=None, sa_column=instant())
    finished_at: datetime | None = Field(default=None, sa_column=instant())


class ImportRecord(SQLModel, table=True):
    """One person in flight: what was sent, so that the link can be acknowledged from it.

    A person is in at most one import of an account at a time; the row goes when the import ends. It
    refers to the import alone: people and accounts with somebody in flight are not deleted.
    """

    __tablename__: ClassVar[Any] = "import_records"
    __table_args__ = (
        Index("import_records_import", "import_id"),
        Index("import_records_email", "email_key"),
        Index(
            "import_records_mobile",
            "mobile_number",
            postgresql_where=text("mobile_number IS NOT NULL"),
        ),
    )

    account_id: int = Field(sa_column=number(key=True))
    person_id: int = Field(sa_column=number(key=True))
    import_id: int = Field(sa_column=reference("imports.id"))
    #: What the acknowledgement settles: changes up to this version and this instant.
    version: int = Field(sa_column=number())
    changed_at: datetime = Field(sa_column=instant(nullable=False))
    email_key: str = Field(sa_column=words())
    #: The contact that the record was matched on, for people already linked.
    contact_id: int | None = Field(default=None, sa_column=number(nullable=True))
    mobile_number: str | None = Field(default=None, sa_column=words(nullable=True))
    #: Consents that go along.
    consent_ids: list[int] | None = Field(
        default=None, sa_column=Column(ARRAY(BigInteger), nullable=True)
    )
    #: A note for the link, when the record was sent with a part left out.
    note: str | None = Field(default=None, sa_column=words(nullable=True))
    suppressed: bool = Field(
        default=False,
        sa_column=Column(Boolean, nullable=False, server_default=text("false")),
    )
    fingerprint: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    payload: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class ImportMember(SQLModel, table=True):
    """One member in flight onto a list or off it; the row goes when the import or removal ends.

    A member is in at most one of them at a time, so that what was asked for last is done last.
    """

    __tablename__: ClassVar[Any] = "import_members"
    __table_args__ = (Index("import_members_import", "import_id"),)

    list_id: int = Field(sa_column=number(key=True))
    person_id: int = Field(sa_column=number(key=True))
    import_id: int = Field(sa_column=reference("imports.id"))
    contact_id: int = Field(sa_column=number())
    #: The member's when it was read: what the end of the import settles.
    changed_at: datetime = Field(sa_column=instant(nullable=False))
