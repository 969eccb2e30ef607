"""What was asked of the sandbox: counts over all calls, and the latest requests whole."""

from collections import Counter, deque
from dataclasses import dataclass

KEPT_REQUESTS = 2000
#: Bodies over this are not kept, only their size.
KEPT_BODY_BYTES = 65_536


@dataclass(slots=True)
class LoggedCall:
    """One call. The status is 0 where the connection was reset instead."""

    at_ms: int
    region: str
    method: str
    path: str
    query: str
    #: The path's template, or `unknown`.
    template: str
    #: Tier of the call; empty where nothing was named.
    scope: str
    account_id: int | None
    status: int
    body_bytes: int
    body: bytes | None


class CallLog:
    """Counts by template and by scope, and the latest requests."""

    def __init__(self) -> None:
        self.by_template: Counter[str] = Counter()
        self.by_scope: Counter[str] = Counter()
        self.by_status: Counter[int] = Counter()
        self.recent: deque[LoggedCall] = deque(maxlen=KEPT_REQUESTS)

    @property
    def total(self) -> int:
        """How many calls there were."""
        return self.by_template.total()

    def note(self, call: LoggedCall) -> None:
        """Write a call down, once it is answered."""
        self.by_template[f"{call.method} {call.template}"] += 1
        if call.scope:
            self.by_scope[call.scope] += 1
        self.by_status[call.status] += 1
        self.recent.append(call)

    def clear(self) -> None:
        """Begin to count anew."""
        self.by_template.clear()
        self.by_scope.clear()
        self.by_status.clear()
        self.recent.clear()
