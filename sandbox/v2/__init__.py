"""v2 of the API: contacts, campaigns, forms; one module a noun, each with its operations.

requests, contact_bodies   what comes in
shapes, campaign_shapes, survey_shapes, activity_rows, refusals   what goes out
"""

from sandbox.calls import Operation
from sandbox.v2 import (
    campaign_activity,
    campaign_changes,
    campaign_reports,
    campaigns,
    consents,
    contact_preferences,
    contacts,
    data_fields,
    documents,
    imports,
    list_members,
    lists,
    preferences,
    recycle_bin,
    segments,
    suppressions,
    surveys,
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
    *campaigns.OPERATIONS,
    *campaign_reports.OPERATIONS,
    *campaign_activity.OPERATIONS,
    *campaign_changes.OPERATIONS,
    *surveys.OPERATIONS,
    *documents.OPERATIONS,
)
