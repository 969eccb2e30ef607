"""v2 of the API, as far as contacts go: one module a noun, each with its table of operations.

requests, contact_bodies   what comes in       shapes, refusals   what goes out
"""

from sandbox.calls import Operation
from sandbox.v2 import (
    consents,
    contact_preferences,
    contacts,
    data_fields,
    imports,
    list_members,
    lists,
    preferences,
    recycle_bin,
    segments,
    suppressions,
)

OPERATIONS: tuple[Operation, ...] = (
    *data_fields.OPERATIONS,
    *preferences.OPERATIONS,
    *lists.OPERATIONS,
    *list_members.OPERATIONS,
    *contacts.OPERATIONS,
    *contact_preferences.OPERATIONS,
    *consents.OPERATIONS,
    *imports.OPERATIONS,
    *suppressions.OPERATIONS,
    *segments.OPERATIONS,
    *recycle_bin.OPERATIONS,
)
