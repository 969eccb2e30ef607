"""Clients of Dotdigital over an HTTP that is answered in the test."""

from typing import Any

import orjson

from app.clients.dotdigital import (
    Circuit,
    Credentials,
    DotdigitalClient,
    MemoryBucketStore,
    RateLimiter,
    Transport,
)
from tests.clock import FakeClock
from tests.shared import shared_path

ENDPOINT = "https://r2-api.dotdigital.com"
CREDENTIALS = Credentials("apiuser-0a1b2c3d4e5f@apiconnector.com", "s3cret-word")
ACCOUNT_KEY = "48213"


def make_client(transport: Transport, clock: FakeClock, **overrides: Any) -> DotdigitalClient:  # noqa: ANN401 - any part
    """Return a client with buckets in memory, on the host that `ENDPOINT` names."""
    parts: dict[str, Any] = {
        "endpoint": ENDPOINT,
        "credentials": CREDENTIALS,
        "limiter": RateLimiter(MemoryBucketStore(clock), ACCOUNT_KEY, clock),
        "circuit": Circuit(clock),
        "clock": clock,
    }
    return DotdigitalClient(transport, **{**parts, **overrides})


def example(name: str) -> Any:  # noqa: ANN401 - it is what JSON is
    """Return one of the example bodies, by its file's name without the ending."""
    folder = shared_path() / "reference" / "dotdigital-fixtures"
    return orjson.loads((folder / f"{name}.json").read_bytes())


def rate_headers(
    clock: FakeClock,
    *,
    limit: int = 35,
    remaining: int = 34,
    resets_in_s: float = 60,
    scope: str = "lowCallRate",
) -> dict[str, str]:
    """Return the four headers, by the test's own clock."""
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(clock.now().timestamp() + resets_in_s)),
        "X-RateLimit-Scope": scope,
    }
