"""Finds out where an account lives: one call to a host that answers for accounts of any region."""

from collections.abc import Callable
from typing import Final

from app.clients.dotdigital import inferred
from app.clients.dotdigital.calls import Caller, CallRecord, account_info
from app.clients.dotdigital.circuit import Circuit
from app.clients.dotdigital.endpoints import AccountInfo
from app.clients.dotdigital.limiter import Clock, Priority
from app.clients.dotdigital.retries import RetryPolicy
from app.clients.dotdigital.transport import Credentials, Transport

#: r1 answers for any account [doc].
DISCOVERY_URL: Final = "https://r1-api.dotdigital.com"

#: Somebody waits for it, so it gives up within seconds.
_POLICY: Final = RetryPolicy(max_attempts=3, first_wait_s=0.25, longest_wait_s=2, patience_s=5)


async def detect_region(
    transport: Transport,
    credentials: Credentials,
    *,
    discovery_url: str = DISCOVERY_URL,
    clock: Clock,
    on_call: Callable[[CallRecord], None] | None = None,
) -> AccountInfo:
    """Ask who these credentials belong to and where the account lives: GET /v2/account-info, once.

    The endpoint comes back ready to be stored. Takes no token, for whose bucket it would be is
    what it finds out. Raises BadCredentials; HostNotAllowed for the discovery host, before anything
    is sent, and for the endpoint that the answer names; Unreachable and the others of the tree.
    """
    asked = inferred.modern_endpoint(discovery_url)
    caller = Caller(
        transport,
        endpoint=asked,
        credentials=credentials,
        clock=clock,
        circuit=Circuit(clock),
        priority=Priority.MANUAL,
        on_call=on_call,
        policy=_POLICY,
    )
    found = await caller.send(account_info(asked))
    transport.check(found.endpoint)
    return found
