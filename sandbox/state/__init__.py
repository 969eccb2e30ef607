"""The sandbox's state, in memory. Nothing in here knows HTTP or JSON; v2 and v3 both stand on it.

    World                 every account, the API users, the clock
    └─ Account            one account: region, settings, and its stores
       ├─ contacts        by id, email, mobile, custom identifier; order of change; recycle bin
       ├─ data_fields     definitions; checks values, packs and unpacks a contact's
       ├─ lists           lists and who is on them, segments
       ├─ preferences     the tree, and what contacts said
       ├─ suppressions    who is suppressed, why, since when
       ├─ subscriptions   the rules of unsubscribing, suppressing, resubscribing
       ├─ custom_identifiers
       ├─ campaigns       what they are, through `activity` what came of them; `reports` counts it
       ├─ surveys         forms, and who answered what
       ├─ visits          to web sites, outside campaigns
       ├─ documents       files that campaigns link to, in folders
       └─ jobs            imports and deletions that are under way

How both APIs change a contact:

- read the caller's JSON into a `ContactChange` (``None`` is "not said"), then `Account.apply`:
  it finds the contact (or makes it, or restores it from the recycle bin), checks identifiers and
  data fields, merges as the `MergeOption` says, and returns an `Outcome`: the contact, whether it
  is new, and `Failure`s. With no contact in it the change was refused whole; with one, a part of it
  was left out.
- failure codes in an `Outcome` are the vendor's guide's in lower camel (`invalidEmail`,
  `duplicateIdentifier`, ...), and some of our own that each API spells its way:
  `contactNotFound`, `exceedsAllowedContactLimit`, `unknownDataField`, `invalidDataField`,
  `dataFieldOverflow`, `invalidPreferenceIds`.
- `Account.subscriptions` for status alone, `Account.lists.join/leave` for membership alone,
  `Account.delete` for the recycle bin.
- `mailing` sends campaigns, and lets those who got them react.
- v2 refuses suppressed contacts (`Contact.is_suppressed`) before it applies; v3 does not.

Instants are milliseconds since the epoch; take one stamp a call, from `Account.clock.stamp`.
"""

from sandbox.state.account import Account
from sandbox.state.jobs import Job
from sandbox.state.records import (
    ConsentRecord,
    Contact,
    ContactChange,
    ContactList,
    CustomIdentifier,
    DataField,
    DataValue,
    Failure,
    MergeOption,
    Outcome,
    Preference,
    Segment,
    Suppression,
)
from sandbox.state.settings import AccountSettings, ApiUser
from sandbox.state.subscriptions import Resubscription
from sandbox.state.world import REGIONS, World

__all__ = [
    "REGIONS",
    "Account",
    "AccountSettings",
    "ApiUser",
    "ConsentRecord",
    "Contact",
    "ContactChange",
    "ContactList",
    "CustomIdentifier",
    "DataField",
    "DataValue",
    "Failure",
    "Job",
    "MergeOption",
    "Outcome",
    "Preference",
    "Resubscription",
    "Segment",
    "Suppression",
    "World",
]
