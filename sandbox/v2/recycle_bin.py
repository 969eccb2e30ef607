"""v2: the recycle bin of an account, where deleted contacts lie."""

from starlette.responses import Response

from sandbox.answers import empty
from sandbox.calls import Call, Operation


async def empty_recycle_bin(call: Call) -> Response:
    """Delete for good what is in it."""
    call.account.empty_recycle_bin()
    return empty(202)


OPERATIONS = (Operation("POST", "/v2/accounts/empty-recycle-bin", empty_recycle_bin),)
