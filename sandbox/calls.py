"""What a handler is given and what a table of operations is made of.

An API is a tuple of `Operation`s; `wire.py` finds the one that a request names, lets it past the
gate (who calls, which region, which allowance) and hands its handler a `Call`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from sandbox.state import Account, ApiUser, World
from sandbox.state.jobs import USUAL, Fate


@dataclass(slots=True)
class Call:
    """One call that was let in."""

    world: World
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
    #: This host's own URL, without a slash at the end.
    host_url: str = ""

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

    def json(self) -> Any:
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
