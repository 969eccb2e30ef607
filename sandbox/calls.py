"""What a handler is given and what a table of operations is made of.

An API is a tuple of `Operation`s: `sandbox.v2.OPERATIONS`, `sandbox.v3.OPERATIONS`. `wire.py` finds
the one that a request names, lets it past the gate (who calls, which region, which allowance) and
hands its handler a `Call`. A handler answers, or raises a `Refusal` (`answers.py`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from sandbox.state import Account, ApiUser
from sandbox.state.jobs import USUAL, Fate

if TYPE_CHECKING:
    from sandbox.sandbox import Sandbox


@dataclass(slots=True)
class Call:
    """One call that was let in."""

    sandbox: "Sandbox"
    account: Account
    user: ApiUser
    request: Request
    template: str
    #: Path parameters by the template's names, decoded.
    path: dict[str, str]
    #: The body, whole.
    body: bytes
    #: What a fault holds ready for the import or deletion that this call submits.
    fate: Fate = USUAL
    #: Share of an import's records, from 0 to 1, that its report leaves out; a fault sets it.
    lost_from_report: float = 0.0
    #: Rows by which a page begins too late, or too early where it is negative; a fault sets it.
    row_shift: int = 0

    @property
    def query(self) -> QueryParams:
        """The query, names as they were sent."""
        return self.request.query_params

    def parameter(self, name: str) -> str | None:
        """Return a query parameter by its name in any case: old clients write them in Pascal."""
        for key, value in self.query.multi_items():
            if key.lower() == name.lower():
                return value
        return None

    def json(self) -> Any:  # noqa: ANN401 - JSON may be anything
        """Return the body as JSON; raises ValueError."""
        return orjson.loads(self.body)


Handler: TypeAlias = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one path template, such as ``/v2/contacts/{id}``.

    Literal parts of a path are read without regard to case and win over parameters.
    """

    method: str
    template: str
    handler: Handler
    #: What the account's package must have; see `AccountSettings.missing_features`.
    feature: str | None = None
    #: Answers on any region's host.
    any_region: bool = False
