"""What the world is made of, one record a thing. They know no rules; the stores do.

Instants (``_ms``) are milliseconds since the epoch.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from sandbox import statuses
from sandbox.statuses import ListStatus

DataValue: TypeAlias = str | int | float | bool | None
FieldType: TypeAlias = Literal["String", "Numeric", "Date", "Boolean"]
Visibility: TypeAlias = Literal["Private", "Public"]
MergeOption: TypeAlias = Literal["overwrite", "overwriteIfNotEmpty", "overwriteIfEmpty"]


class OptIn(NamedTuple):
    """What a contact said to one marketing preference."""

    is_opted_in: bool
    modified_ms: int


class Failure(NamedTuple):
    """Why one record, or a part of it, was not taken. Codes as the vendor's guide lists them."""

    code: str
    description: str
    #: What of the contact it is about, as the caller named it; may be empty.
    item: str = ""


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """What somebody agreed to, and how; ``dateTimeConsented`` is kept as it was sent."""

    id: int
    text: str
    date_time_consented: str
    url: str
    ip_address: str
    user_agent: str
    created_ms: int


class Contact:
    """One contact. Slotted, and its data fields packed: millions of them must fit.

    Change one through the account, which keeps the indexes in step.
    """

    __slots__ = (
        "challenged_ms",
        "consents",
        "created_ms",
        "custom",
        "email",
        "email_status",
        "email_type",
        "id",
        "is_binned",
        "list_ids",
        "mobile",
        "opt_in_type",
        "packed",
        "preferences",
        "sms_status",
        "updated_ms",
        "whatsapp_status",
    )

    def __init__(self, contact_id: int, created_ms: int) -> None:
        self.id = contact_id
        #: As it was given; compared in lower case. None where only a mobile number is known.
        self.email: str | None = None
        #: Digits, without the plus.
        self.mobile: str | None = None
        #: Custom identifiers, by name.
        self.custom: dict[str, str] | None = None
        #: One of `statuses.EMAIL_STATUSES`.
        self.email_status = statuses.NO_SUBSCRIPTION
        self.email_type = "Html"
        self.opt_in_type = "Unknown"
        self.sms_status = statuses.NO_SUBSCRIPTION
        self.whatsapp_status = statuses.NO_SUBSCRIPTION
        self.created_ms = created_ms
        self.updated_ms = created_ms
        #: Values of data fields; `DataFields.read` unpacks them.
        self.packed: bytes | None = None
        self.list_ids: tuple[int, ...] = ()
        #: By preference id; a preference that was never answered is not there.
        self.preferences: dict[int, OptIn] | None = None
        self.consents: list[ConsentRecord] | None = None
        #: When a resubscription was challenged and not yet confirmed.
        self.challenged_ms: int | None = None
        #: In the recycle bin.
        self.is_binned = False

    @property
    def is_suppressed(self) -> bool:
        """Dotdigital mails this contact nothing."""
        return self.email_status in statuses.SUPPRESSING


@dataclass(slots=True)
class DataField:
    """A data field of the account."""

    name: str
    type: FieldType
    visibility: Visibility = "Private"
    default: DataValue = None
    #: Where its value stands in a contact's packed values.
    ordinal: int = -1
    #: What would break without it: its kind as v2 spells it (`Campaign`, `Survey`), and its id.
    used_by: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class ContactList:
    """A list, formerly address book."""

    id: int
    name: str
    visibility: Visibility = "Private"
    #: By contact id, in the order in which they joined.
    members: dict[int, ListStatus] = field(default_factory=dict)
    #: Unsubscribed from this list alone, by contact id: when.
    unsubscribed_ms: dict[int, int] = field(default_factory=dict)
    is_writable: bool = True
    in_use: bool = False

    @property
    def active_count(self) -> int:
        """How many are on it and have not unsubscribed from it."""
        return len(self.members) - len(self.unsubscribed_ms)


@dataclass(slots=True)
class Preference:
    """A marketing preference, or a category of them (``is_preference`` false)."""

    id: int
    public_name: str
    private_name: str
    is_preference: bool
    is_public: bool
    #: 0 at the top level.
    category_id: int
    order: int
    created_ms: int
    modified_ms: int


@dataclass(slots=True)
class Suppression:
    """One time that a contact was suppressed; lifted, it stays in the order."""

    contact_id: int
    email: str | None
    #: As v2 spells it: `Unsubscribed`, `HardBounced`, ...
    reason: str
    removed_ms: int
    is_lifted: bool = False


@dataclass(slots=True)
class Segment:
    """A segment: who was in it when it was last refreshed."""

    id: int
    name: str
    contact_ids: set[int] = field(default_factory=set)
    refreshed_ms: int | None = None


@dataclass(slots=True)
class CustomIdentifier:
    """A custom identifier of the account: unique over its contacts."""

    name: str
    created_ms: int
    updated_ms: int
    #: What uses it, such as ``segment:1002``: it can't be deleted.
    used_by: str | None = None


@dataclass
class ContactChange:
    """What a caller wants of one contact, read but not yet held against the account.

    ``None`` means "not said" everywhere; in ``data`` a value of None clears the field. Without
    slots, so that what is not said is the class's and costs an import nothing.
    """

    #: `contactId`, `email`, `mobileNumber` or a custom identifier.
    match: str
    contact_id: int | None = None
    email: str | None = None
    mobile: str | None = None
    custom: dict[str, str] | None = None
    data: dict[str, Any] | None = None
    email_status: str | None = None
    email_type: str | None = None
    opt_in_type: str | None = None
    sms_status: str | None = None
    whatsapp_status: str | None = None
    #: What a status of `subscribed` does to a suppressed contact: mail a challenge first.
    challenge: bool = False
    list_ids: list[int] | None = None
    #: Preference id to opted in.
    preferences: dict[int, bool] | None = None
    #: Without ids and instants of their own: (text, consented, url, ip, user agent).
    consents: list[tuple[str, str, str, str, str]] | None = None
    #: Parts that could not be read; the rest is applied all the same.
    unread: list[Failure] | None = None

    @classmethod
    def matching(cls, match: str) -> "ContactChange":
        """Make one that says nothing yet; quicker than setting every part to None."""
        change = cls.__new__(cls)
        change.match = match
        return change


class Outcome(NamedTuple):
    """What became of a `ContactChange`."""

    #: None where nothing was done.
    contact: Contact | None
    is_created: bool
    #: Empty where all was taken; with a contact, the parts that were not.
    failures: list[Failure]
    #: The contact that was matched though nothing was done to it.
    matched: Contact | None = None
