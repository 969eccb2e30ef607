"""What differs between accounts, and who may call on their behalf."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(slots=True)
class AccountSettings:
    """What differs between accounts, and what is only inferred and may be turned."""

    #: `tiered` or `flat`; holds for API users that don't say otherwise.
    rate_scheme: Literal["tiered", "flat"] = "tiered"
    #: Calls a minute by scope; a scope that is not there has no limit worth the name.
    rate_limits: dict[str, int] = field(default_factory=dict)
    #: Calls an hour under the flat scheme; None for no limit.
    flat_rate_limit: int | None = None
    #: Most contacts; None for no limit.
    contact_allowance: int | None = None
    list_limit: int = 1000
    field_limits: dict[str, int] = field(
        default_factory=lambda: {"String": 246, "Numeric": 50, "Date": 50, "Boolean": 50}
    )
    custom_identifier_limit: int = 10
    active_import_limit: int = 25
    active_deletion_limit: int = 25
    #: How long an import takes, by the sandbox's clock.
    import_duration_s: float = 0.0
    deletion_duration_s: float = 0.0
    #: Every new subscription waits for its confirmation.
    double_opt_in: bool = False
    #: Features outside the account's package: `preferences`, `segments`, `custom-identifiers`, ...
    missing_features: set[str] = field(default_factory=set)
    #: `POST /v2/contacts/unsubscribe` of an address that is no contact makes one, suppressed.
    unsubscribe_makes_contact: bool = True
    #: What a change of each kind does to a contact's `updated`.
    updated_moves_on: set[str] = field(
        default_factory=lambda: {"data", "status", "lists", "preferences"}
    )
    #: "Since" takes in what happened at that very instant.
    since_is_inclusive: bool = True
    #: A campaign that was sent, and a contact that it was sent to, had activity by that alone.
    sends_are_activity: bool = True
    #: What `campaigns/metrics` counts: what happened between its dates, or all there ever was.
    metrics_count: Literal["range", "total"] = "range"
    #: Rows of campaigns' activity: in the order in which they happened, or out of order within it.
    activity_order: Literal["time", "scrambled"] = "time"
    #: How rows write the instants that they have, as the vendor's examples do in three ways.
    activity_dates: Literal["milliseconds", "hundredths", "offset"] = "milliseconds"
    #: How they write what never happened: the year 1 and no address, or nulls.
    never: Literal["year_one", "null"] = "year_one"
    #: A soft bounce suppresses the contact.
    soft_bounce_suppresses: bool = False
    #: `DELETE` of a campaign that was sent, which takes its reports along.
    sent_campaigns_are_deletable: bool = True
    #: A data field that the account does not have: `fail` that contact, or `ignore` the value.
    unknown_data_fields: Literal["fail", "ignore"] = "fail"
    #: Take "3" for a Numeric and "yes" for a Boolean in v3 too.
    reads_typed_text: bool = False
    #: `camel` as the vendor's examples, `pascal` as the vendor's guide.
    failure_code_case: Literal["camel", "pascal"] = "camel"
    #: v3 answers as one client saw them: no zone on timestamps, data fields empty though asked for.
    quirky_timestamps: bool = False
    empty_data_fields: bool = False
    #: Addresses on the vendor's own suppression list, lower case.
    globally_suppressed: set[str] = field(default_factory=set)
    #: Addresses that the vendor blocks, lower case.
    blocked_addresses: set[str] = field(default_factory=set)
    #: Domains that the account suppresses, lower case.
    suppressed_domains: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class ApiUser:
    """An API user of an account."""

    username: str
    password: str
    account_id: int
    #: None for the account's own.
    rate_scheme: Literal["tiered", "flat"] | None = None
    is_enabled: bool = True
