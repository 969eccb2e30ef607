"""Every table, imported here once so that Alembic sees them all."""

from sqlmodel import SQLModel

from app.models.accounts import Account
from app.models.address_opt_outs import AddressOptOut
from app.models.api_keys import ApiKey, IdempotencyKey, RevokedKey
from app.models.audit_log import AuditEntry
from app.models.conflicts import Conflict
from app.models.consents import Consent, ConsentTold
from app.models.contact_links import ContactLink
from app.models.erasures import Erasure
from app.models.failures import Failure
from app.models.imports import Import, ImportMember, ImportRecord
from app.models.jobs import Job, Run, RunEvent
from app.models.lists import ListMember, MailingList
from app.models.mailshots import Mailshot
from app.models.mappings import Mapping
from app.models.online_activities import (
    ActivityMatching,
    ActivityRematch,
    ActivitySettings,
    OnlineActivity,
)
from app.models.people import Person
from app.models.person_changes import PersonChange
from app.models.rate_buckets import CallScope, RateBucket
from app.models.watermarks import Watermark

metadata = SQLModel.metadata

__all__ = [
    "Account",
    "ActivityMatching",
    "ActivityRematch",
    "ActivitySettings",
    "AddressOptOut",
    "ApiKey",
    "AuditEntry",
    "CallScope",
    "Conflict",
    "Consent",
    "ConsentTold",
    "ContactLink",
    "Erasure",
    "Failure",
    "IdempotencyKey",
    "Import",
    "ImportMember",
    "ImportRecord",
    "Job",
    "ListMember",
    "MailingList",
    "Mailshot",
    "Mapping",
    "OnlineActivity",
    "Person",
    "PersonChange",
    "RateBucket",
    "RevokedKey",
    "Run",
    "RunEvent",
    "Watermark",
    "metadata",
]
