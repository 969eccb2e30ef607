"""One account's client: its resources as attributes."""

from collections.abc import Callable
from datetime import datetime

from app.clients.dotdigital.calls import Caller, CallRecord
from app.clients.dotdigital.circuit import Circuit
from app.clients.dotdigital.limiter import Clock, Priority, RateLimiter
from app.clients.dotdigital.resources.account import AccountResource
from app.clients.dotdigital.resources.campaigns import CampaignsResource
from app.clients.dotdigital.resources.contacts import ContactsResource
from app.clients.dotdigital.resources.data_fields import DataFieldsResource
from app.clients.dotdigital.resources.documents import DocumentsResource
from app.clients.dotdigital.resources.imports import ImportsResource
from app.clients.dotdigital.resources.insight_data import InsightDataResource
from app.clients.dotdigital.resources.lists import ListsResource
from app.clients.dotdigital.resources.preferences import PreferencesResource
from app.clients.dotdigital.resources.suppressions import SuppressionsResource
from app.clients.dotdigital.resources.surveys import SurveysResource
from app.clients.dotdigital.retries import RetryPolicy
from app.clients.dotdigital.transport import Credentials, Transport


class DotdigitalClient:
    """Dotdigital as one API user sees it; cheap to make, holds no connection of its own.

    Every call may raise any of `errors`; which ones are worth a thought stands with the method.
    """

    def __init__(  # noqa: PLR0913 - the parts that a call passes through, each by name
        self,
        transport: Transport,
        *,
        endpoint: str,
        credentials: Credentials,
        limiter: RateLimiter,
        circuit: Circuit,
        clock: Clock,
        priority: Priority = Priority.SCHEDULE,
        on_call: Callable[[CallRecord], None] | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        """``on_call`` is told of each attempt once it has ended; it must not wait."""
        self._take(
            Caller(
                transport,
                endpoint=endpoint,
                credentials=credentials,
                clock=clock,
                circuit=circuit,
                limiter=limiter,
                priority=priority,
                on_call=on_call,
                policy=policy,
            )
        )

    @property
    def answered_at(self) -> datetime | None:
        """Return Dotdigital's time at its latest answer, in whole seconds; None before the first.

        By the header ``Date``; None too where the answer has none. It costs no call.
        """
        return self._caller.answered_at

    def with_priority(self, priority: Priority) -> "DotdigitalClient":
        """Return this client at another priority; all else is shared."""
        twin = object.__new__(type(self))
        twin._take(self._caller.with_priority(priority))
        return twin

    def _take(self, caller: Caller) -> None:
        self._caller = caller
        self.account = AccountResource(caller)
        self.campaigns = CampaignsResource(caller)
        self.contacts = ContactsResource(caller)
        self.data_fields = DataFieldsResource(caller)
        self.documents = DocumentsResource(caller)
        self.imports = ImportsResource(caller)
        self.insight_data = InsightDataResource(caller)
        self.lists = ListsResource(caller)
        self.preferences = PreferencesResource(caller)
        self.suppressions = SuppressionsResource(caller)
        self.surveys = SurveysResource(caller)
