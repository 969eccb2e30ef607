"""Contact links: what ties one person to one contact in one account, and why one isn't synced."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from app.models.columns import instant, number, one_of, reference, words

LINK_STATES = ("synced", "pending", "not_eligible", "suppressed", "failed", "unlinked")


class ContactLink(SQLModel, table=True):
    """One person's standing in one account.

    A row stands for every person that a run has looked at; ``contact_id`` is null while there is
    no contact. ``acknowledged`` holds the values that Dotdigital last said yes to, by data field,
    and ``sent_fingerprint`` is a hash of the payload that carried them.
    """

    __tablename__: ClassVar[Any] = "contact_links"
    __table_args__ = (
        CheckConstraint(one_of("state", *LINK_STATES), name="contact_links_state"),
        Index(
            "contact_links_contact",
            "account_id",
            "contact_id",
            unique=True,
            postgresql_where=text("contact_id IS NOT NULL"),
        ),
        Index(
            "contact_links_email",
            "email_key",
            postgresql_where=text("contact_id IS NOT NULL"),
        ),
        Index(
            "contact_links_mobile",
            "mobile_sent",
            postgresql_where=text("mobile_sent IS NOT NULL"),
        ),
        Index(
            "contact_links_opt_in_doubt",
            "account_id",
            "person_id",
            postgresql_where=text("opt_in_doubt_at IS NOT NULL"),
        ),
        Index(
            "contact_links_number_taken",
            "account_id",
            "person_id",
            postgresql_where=text("reason = 'mobile_number_taken'"),
        ),
        Index(
            "contact_links_mobile_refused",
            "mobile_refused",
            postgresql_where=text("mobile_refused IS NOT NULL"),
        ),
        Index("contact_links_state_person", "state", "person_id"),
        Index("contact_links_person", "person_id"),
    )

    account_id: int = Field(sa_column=reference("accounts.id", key=True))
    person_id: int = Field(sa_column=reference("people.id", key=True))
    contact_id: int | None = Field(default=None, sa_column=number(nullable=True))
    state: str = Field(sa_column=words())
    #: A word of `sync.rules.reasons.Reason`, when ``state`` isn't ``synced``.
    reason: str | None = Field(default=None, sa_column=words(nullable=True))
    #: What the reason names: the other person, the failure's text.
    reason_detail: str | None = Field(default=None, sa_column=words(nullable=True))
    #: The contact's email channel status on Dotdigital's side, as last read.
    account_status: str | None = Field(default=None, sa_column=words(nullable=True))
    #: When we had it suppressed, by our clock.
    suppressed_at: datetime | None = Field(default=None, sa_column=instant())
    #: The opt-out that Dotdigital was last told of, by its own time: a later one is told again,
    #: for the contact may have come back by itself in between.
    opt_out_told: datetime | None = Field(default=None, sa_column=instant())
    #: The person's opt-in that Dotdigital was last asked to follow.
    opt_in_asked: datetime | None = Field(default=None, sa_column=instant())
    #: When Dotdigital was last asked by a call whose end isn't known: it may reach Dotdigital yet,
    #: out of a replica that stalled, and whoever opts out meanwhile is told again.
    opt_in_doubt_at: datetime | None = Field(default=None, sa_column=instant())
    #: The email as last sent and as it is compared.
    email_key: str | None = Field(default=None, sa_column=words(nullable=True))
    mobile_sent: str | None = Field(default=None, sa_column=words(nullable=True))
    #: The number that Dotdigital refused as another contact's, which may be nobody's here.
    mobile_refused: str | None = Field(default=None, sa_column=words(nullable=True))
    acknowledged: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    #: What was read of ``contact_id``, which stands in it too: values that nothing of ours was sent
    #: for, and since when the contact is off. It holds for that contact alone.
    last_read: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    sent_fingerprint: bytes | None = Field(
        default=None, sa_column=Column(LargeBinary, nullable=True)
    )
    sent_version: int | None = Field(default=None, sa_column=number(nullable=True))
    last_sent_at: datetime | None = Field(default=None, sa_column=instant())
    linked_at: datetime | None = Field(default=None, sa_column=instant())
