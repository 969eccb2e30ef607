"""The service's errors: each knows its status, its title and the sentence that says what to do.

Problem
├── NotFound                   404  there is no such thing
├── Conflict                   409  the request is well made but clashes with what stands
│   ├── RunActive              409  a run of this job is queued or running
│   ├── AccountPaused          409  the account's jobs are paused
│   ├── CredentialsUnreadable  409  no key fits the account's stored password
│   └── JobNotAvailable        409  this version doesn't run that job
├── StaleVersion               412  If-Match names an older version
├── TooLarge                   413  the body is over the limit
├── Invalid                    422  a payload that does not validate
│   ├── BadCredentials         422  Dotdigital refuses the credentials
│   └── HostNotAllowed         422  the endpoint is outside the allowed hosts
├── Unauthenticated            401  no key, or one that is not known
├── Forbidden                  403  the key lacks the scope
├── DotdigitalUnreachable      502  Dotdigital can't be reached
└── DatabaseUnavailable        503  Postgres doesn't answer; try again

Knows no HTTP library: `routers/problem_handlers.py` renders them as RFC 9457.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class FieldError:
    """One fault in a payload: where (RFC 6901 pointer), and what to do about it."""

    pointer: str
    detail: str


class Problem(Exception):  # noqa: N818 - named for RFC 9457's problem
    """Base of all errors that a caller is shown."""

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        extensions: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Make a problem whose ``detail`` is the sentence the caller reads."""
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.extensions = dict(extensions or {})
        self.headers = dict(headers or {})


class NotFound(Problem):
    """There is no such thing, or it is deleted."""

    slug, title, status = "not-found", "Not found", 404


class MethodNotAllowed(Problem):
    """The path is there, the verb isn't."""

    slug, title, status = "method-not-allowed", "Method not allowed", 405


class Conflict(Problem):
    """The request is well made but clashes with what stands."""

    slug, title, status = "conflict", "Conflict", 409


class RunActive(Conflict):
    """A run of this job is queued or running for this account."""

    slug, title = "run-active", "A run of this job is active"

    def __init__(self, job: str, run_id: int, warning: str | None = None) -> None:
        """Name the run that stands in the way; ``warning``: that nobody may be at work on it."""
        super().__init__(
            f"Run {run_id} of {job} is active for this account. Wait for it, or cancel it with "
            f"POST /v1/runs/{run_id}/cancel.{f' {warning}' if warning else ''}",
            extensions={"run_id": run_id},
        )


class AccountPaused(Conflict):
    """The account's jobs are paused, so nothing can be triggered."""

    slug, title = "account-paused", "The account is paused"


class CredentialsUnreadable(Conflict):
    """The account's stored password can't be read with the keys that the service has."""

    slug, title = "credentials-unreadable", "The stored credentials can't be read"

    def __init__(self, reason: str) -> None:
        """Say the reason, and what else can be done about it."""
        super().__init__(
            f"{reason} Or send the account's password anew: PATCH /v1/accounts/{{id}}."
        )


class JobNotAvailable(Conflict):
    """The job is none that this version of the service runs."""

    slug, title = "job-not-available", "This version doesn't run that job"

    def __init__(self, job: str) -> None:
        """Name the job."""
        super().__init__(
            f"This version of the service doesn't run {job}. GET /v1/jobs shows which jobs it runs."
        )


class StaleVersion(Problem):
    """If-Match names a version that no longer stands."""

    slug, title, status = "stale-version", "The version is stale", 412

    def __init__(self, current: int) -> None:
        """Say which version stands now."""
        super().__init__(
            f"This was changed since you read it: version {current} stands now. "
            "Read it again and repeat your change.",
            extensions={"current_version": current},
        )


class TooLarge(Problem):
    """The body is over the limit."""

    slug, title, status = "too-large", "The body is too large", 413


class UnsupportedMediaType(Problem):
    """The body's content type is not one that this path reads."""

    slug, title, status = "unsupported-media-type", "Unsupported content type", 415


class Invalid(Problem):
    """A payload, a parameter or a header does not validate."""

    slug, title, status = "invalid", "The request is not valid", 422

    @classmethod
    def at(cls, pointer: str, detail: str) -> "Invalid":
        """Make one with a single fault at this pointer."""
        return cls(detail, errors=[FieldError(pointer, detail)])


class BadCredentials(Invalid):
    """Dotdigital refuses the API user's name and password."""

    slug, title = "bad-credentials", "Dotdigital refuses these credentials"


class HostNotAllowed(Invalid):
    """The endpoint is outside the allowed hosts; nothing was sent to it."""

    slug, title = "host-not-allowed", "The host is not allowed"


class Unauthenticated(Problem):
    """No API key came along, or one that is not known or has expired."""

    slug, title, status = "unauthenticated", "An API key is needed", 401

    def __init__(self, detail: str) -> None:
        """Ask for a bearer token, as RFC 6750 wants it."""
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    """The API key lacks the scope."""

    slug, title, status = "forbidden", "The API key lacks a scope", 403


class DotdigitalUnreachable(Problem):
    """Dotdigital can't be reached, or answers with a fault."""

    slug, title, status = "dotdigital-unreachable", "Dotdigital can't be reached", 502


class DatabaseUnavailable(Problem):
    """Postgres doesn't answer; nothing was changed."""

    slug, title, status = "database-unavailable", "The database doesn't answer", 503

    def __init__(self) -> None:
        """Ask the caller to try again in a moment."""
        super().__init__(
            "The database doesn't answer at the moment. Nothing was changed; try again shortly.",
            headers={"Retry-After": "5"},
        )
