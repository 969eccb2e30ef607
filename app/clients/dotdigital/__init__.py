"""A client for Dotdigital's marketing API, v2 and v3: this is its whole public face.

    async with Transport() as transport:
        credentials = Credentials("apiuser-...@apiconnector.com", "...")
        account = await detect_region(transport, credentials, clock=clock)
        client = DotdigitalClient(
            transport,
            endpoint=account.endpoint,
            credentials=credentials,
            limiter=RateLimiter(MemoryBucketStore(clock), str(account.id), clock),
            circuit=Circuit(clock),
            clock=clock,
        )
        async for page in client.contacts.pages(modified_since=yesterday):
            ...

It knows nothing of the service around it: a clock is handed in, and the store of the buckets that
callers of one account share.
"""

from app.clients.dotdigital.calls import CallRecord
from app.clients.dotdigital.circuit import Circuit
from app.clients.dotdigital.client import DotdigitalClient
from app.clients.dotdigital.endpoints import AccountInfo, region_of
from app.clients.dotdigital.errors import (
    BadCredentials,
    CircuitOpen,
    DotdigitalError,
    ErrorDetail,
    HostNotAllowed,
    NotFound,
    NotPermitted,
    ProtocolError,
    RateLimited,
    Rejected,
    Retryable,
    ServerFault,
    Unreachable,
    WaitForSlot,
    WrongRegion,
)
from app.clients.dotdigital.inferred import ADD_CALLS_A_MINUTE
from app.clients.dotdigital.limiter import (
    BucketStore,
    Clock,
    Grant,
    MemoryBucketStore,
    Priority,
    RateLimiter,
    TokenBucket,
)
from app.clients.dotdigital.paging import SkipPage
from app.clients.dotdigital.regions import DISCOVERY_URL, detect_region
from app.clients.dotdigital.resources.campaign_rows import (
    CampaignActivity,
    CampaignClick,
    CampaignOpen,
    CampaignPageView,
)
from app.clients.dotdigital.resources.campaigns import (
    Campaign,
    CampaignCounts,
    CampaignMetrics,
    CampaignSummary,
)
from app.clients.dotdigital.resources.contact_payloads import (
    MAX_CONSENTS,
    ConsentRecord,
    ContactChange,
    DataFieldValue,
    EmailStatusChange,
    ImportContact,
    Resubscribe,
    UnsendableContactError,
    encode_contact,
)
from app.clients.dotdigital.resources.contact_rows import (
    Contact,
    ContactIdPage,
    ContactList,
    ContactPage,
)
from app.clients.dotdigital.resources.contacts import (
    MAX_CONTACTS,
    DeletionFailure,
    DeletionReport,
)
from app.clients.dotdigital.resources.data_fields import DataField, DataFieldDeletion, DataFieldType
from app.clients.dotdigital.resources.deletions import DeletionStatus
from app.clients.dotdigital.resources.documents import Document, DocumentFolder
from app.clients.dotdigital.resources.imports import (
    MAX_IMPORT_BYTES,
    ImportedContact,
    ImportFailure,
    ImportReport,
    ImportStatus,
    MergeOption,
)
from app.clients.dotdigital.resources.insight_data import (
    MAX_RECORDS,
    WEB_INSIGHT,
    InsightPage,
    InsightRecord,
)
from app.clients.dotdigital.resources.lists import MAX_REMOVED, DotdigitalList, Visibility
from app.clients.dotdigital.resources.preferences import PreferenceNode
from app.clients.dotdigital.resources.suppressions import (
    MAX_SUPPRESSED,
    ContactReference,
    ResubscribeOutcome,
    ResubscribeResult,
    Suppression,
    SuppressionResult,
    V2Contact,
)
from app.clients.dotdigital.resources.surveys import (
    MAX_SURVEY_ROWS,
    Survey,
    SurveyAnswer,
    SurveyChoice,
    SurveyField,
    SurveyPage,
    SurveyResponse,
)
from app.clients.dotdigital.resources.v2_pages import MAX_ROWS
from app.clients.dotdigital.retries import RetryPolicy
from app.clients.dotdigital.transport import VENDOR_HOSTS, Credentials, Transport

__all__ = [
    "ADD_CALLS_A_MINUTE",
    "DISCOVERY_URL",
    "MAX_CONSENTS",
    "MAX_CONTACTS",
    "MAX_IMPORT_BYTES",
    "MAX_RECORDS",
    "MAX_REMOVED",
    "MAX_ROWS",
    "MAX_SUPPRESSED",
    "MAX_SURVEY_ROWS",
    "VENDOR_HOSTS",
    "WEB_INSIGHT",
    "AccountInfo",
    "BadCredentials",
    "BucketStore",
    "CallRecord",
    "Campaign",
    "CampaignActivity",
    "CampaignClick",
    "CampaignCounts",
    "CampaignMetrics",
    "CampaignOpen",
    "CampaignPageView",
    "CampaignSummary",
    "Circuit",
    "CircuitOpen",
    "Clock",
    "ConsentRecord",
    "Contact",
    "ContactChange",
    "ContactIdPage",
    "ContactList",
    "ContactPage",
    "ContactReference",
    "Credentials",
    "DataField",
    "DataFieldDeletion",
    "DataFieldType",
    "DataFieldValue",
    "DeletionFailure",
    "DeletionReport",
    "DeletionStatus",
    "Document",
    "DocumentFolder",
    "DotdigitalClient",
    "DotdigitalError",
    "DotdigitalList",
    "EmailStatusChange",
    "ErrorDetail",
    "Grant",
    "HostNotAllowed",
    "ImportContact",
    "ImportFailure",
    "ImportReport",
    "ImportStatus",
    "ImportedContact",
    "InsightPage",
    "InsightRecord",
    "MemoryBucketStore",
    "MergeOption",
    "NotFound",
    "NotPermitted",
    "PreferenceNode",
    "Priority",
    "ProtocolError",
    "RateLimited",
    "RateLimiter",
    "Rejected",
    "Resubscribe",
    "ResubscribeOutcome",
    "ResubscribeResult",
    "RetryPolicy",
    "Retryable",
    "ServerFault",
    "SkipPage",
    "Suppression",
    "SuppressionResult",
    "Survey",
    "SurveyAnswer",
    "SurveyChoice",
    "SurveyField",
    "SurveyPage",
    "SurveyResponse",
    "TokenBucket",
    "Transport",
    "Unreachable",
    "UnsendableContactError",
    "V2Contact",
    "Visibility",
    "WaitForSlot",
    "WrongRegion",
    "detect_region",
    "encode_contact",
    "region_of",
]
