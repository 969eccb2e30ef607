"""A walk over everything that the sandbox answers, with good input and bad."""

from itertools import chain

from tests.contract import sandbox_walk_mailing, sandbox_walk_v2, sandbox_walk_v3
from tests.contract.sandbox_calls import Walk


async def walk_everywhere(go: Walk) -> None:
    """Exercise every operation: each goes well at least once, and each that can fail fails."""
    await walk_inside(go)
    await walk_gate(go)


async def walk_inside(go: Walk) -> None:
    """Exercise what calls find once they were let in."""
    parts = (sandbox_walk_v2.PARTS, sandbox_walk_mailing.PARTS, sandbox_walk_v3.PARTS)
    for part in chain.from_iterable(parts):
        await part(go)


async def walk_gate(go: Walk) -> None:
    """Fail at what stands before every operation: credentials, region, package, limits."""
    paths = ("/v2/contacts", "/contacts/v3", "/configuration/v3/customIdentifiers")
    for path in paths:
        await go.bad("GET", path, auth=("nobody", "wrong"))
    go.control.move_account("r2")
    for path in paths:
        await go.bad("GET", path)
    await go.good("GET", "/v2/account-info")
    go.control.move_account("r1")
    go.control.set_settings({"missing_features": ["preferences", "custom-identifiers"]})
    for path in ("/v2/preferences", "/configuration/v3/customIdentifiers"):
        await go.bad("GET", path)
    go.control.set_settings({"missing_features": [], "rate_limits": {"lowCallRate": 0}})
    for path in ("/v2/contacts", "/contacts/v3"):
        await go.bad("GET", path)
    go.control.set_settings({"rate_scheme": "flat", "flat_rate_limit": 0})
    await go.bad("GET", "/v2/contacts")
