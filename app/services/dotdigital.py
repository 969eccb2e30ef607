"""How the service reaches Dotdigital: one client an account, over what all of them share."""

from collections.abc import Callable
from typing import Final

from app.clients.dotdigital import (
    AccountInfo,
    BadCredentials,
    BucketStore,
    CallRecord,
    Circuit,
    Credentials,
    DotdigitalClient,
    DotdigitalError,
    HostNotAllowed,
    NotFound,
    NotPermitted,
    Priority,
    ProtocolError,
    RateLimited,
    RateLimiter,
    Retryable,
    RetryPolicy,
    Transport,
    detect_region,
)
from app.clock import Clock
from app.errors import BadCredentials as BadCredentialsProblem
from app.errors import DotdigitalUnreachable, Invalid, Problem
from app.errors import HostNotAllowed as HostNotAllowedProblem
from app.models import Account
from app.services.cipher import CredentialsCipher
from app.settings import Settings

OnCall = Callable[[int | None, CallRecord], None]

#: Somebody waits for the answer, so it gives up within seconds.
_IMPATIENT = RetryPolicy(max_attempts=3, first_wait_s=0.25, longest_wait_s=2, patience_s=10)


_WHERE_REGIONS_ARE_TOLD = (
    "That is where the account's region is asked for: see that Dotdigital is reached there, or "
    "set another place with DOTSYNC_DISCOVERY_URL, or for one account with region_url."
)


#: By `HostNotAllowed.why`.
_HOST_FAULTS: Final = {
    "unreadable": "{host!r} is no URL of a web server: write it with its scheme and without a user "
    "name, like https://r1-api.dotdigital.com.",
    "insecure": "{host} is another machine, and credentials go there over TLS only: write "
    "https://{host}.",
    "foreign": "{host} is not among the allowed hosts: allow it with DOTSYNC_ALLOWED_HOSTS if it "
    "is right.",
}


class DotdigitalConnector:
    """Makes clients that share the process's transport, and the buckets of all replicas."""

    def __init__(
        self,
        transport: Transport,
        store: BucketStore,
        cipher: CredentialsCipher,
        clock: Clock,
        settings: Settings,
        on_call: OnCall | None = None,
    ) -> None:
        """Take what every client shares; ``on_call`` is told of each call (account, record)."""
        self._transport = transport
        self._store = store
        self._cipher = cipher
        self._clock = clock
        self._settings = settings
        self._on_call = on_call
        self._circuits: dict[int, Circuit] = {}

    async def detect(
        self, username: str, password: str, region_url: str | None = None
    ) -> AccountInfo:
        """Ask Dotdigital who these credentials belong to, and where the account lives. One call.

        Raises BadCredentials, HostNotAllowed (nothing was sent) and DotdigitalUnreachable, each a
        `Problem` ready to be shown.
        """
        try:
            return await detect_region(
                self._transport,
                Credentials(username, password),
                discovery_url=region_url or self._settings.discovery_url,
                clock=self._clock,
                on_call=lambda record: self._told(None, record, None),
            )
        except (Retryable, NotFound, ProtocolError) as error:
            told = problem_of(error)
            raise DotdigitalUnreachable(f"{told.detail} {_WHERE_REGIONS_ARE_TOLD}") from error
        except DotdigitalError as error:
            raise problem_of(error) from error

    def client(
        self,
        account: Account,
        priority: Priority = Priority.SCHEDULE,
        on_call: Callable[[CallRecord], None] | None = None,
        policy: RetryPolicy | None = None,
    ) -> DotdigitalClient:
        """Return a client for this account, stored or not yet; makes no call.

        Raises UnreadableCredentialsError when no key fits the stored password.
        """
        account_id: int | None = account.id
        return DotdigitalClient(
            self._transport,
            endpoint=account.endpoint,
            credentials=Credentials(
                account.username, self._cipher.decrypt(account.password_encrypted)
            ),
            limiter=RateLimiter(self._store, str(account.dotdigital_account_id), self._clock),
            circuit=self._circuit_of(account_id),
            clock=self._clock,
            priority=priority,
            on_call=lambda record: self._told(account_id, record, on_call),
            policy=policy,
        )

    def client_for_caller(self, account: Account) -> DotdigitalClient:
        """Return a client for somebody who waits: ahead of schedules, and soon to give up."""
        return self.client(account, Priority.MANUAL, policy=_IMPATIENT)

    def encrypt(self, password: str) -> bytes:
        """Return the password as it is stored."""
        return self._cipher.encrypt(password)

    def password_of(self, account: Account) -> str:
        """Return the stored password; raises UnreadableCredentialsError when no key fits it."""
        return self._cipher.decrypt(account.password_encrypted)

    def circuit(self, account_id: int) -> Circuit | None:
        """Return the account's circuit in this process, if it made a call yet."""
        return self._circuits.get(account_id)

    def forget(self, account_id: int) -> None:
        """Start a new circuit for the account: it is gone, or was just reached anew."""
        self._circuits.pop(account_id, None)

    def _circuit_of(self, account_id: int | None) -> Circuit:
        if account_id is None:
            return Circuit(self._clock)
        return self._circuits.setdefault(account_id, Circuit(self._clock))

    def _told(
        self,
        account_id: int | None,
        record: CallRecord,
        on_call: Callable[[CallRecord], None] | None,
    ) -> None:
        if self._on_call is not None:
            self._on_call(account_id, record)
        if on_call is not None:
            on_call(record)


def problem_of(error: DotdigitalError) -> Problem:
    """Turn the client's error into what the caller of our API is shown."""
    match error:
        case BadCredentials():
            return BadCredentialsProblem(
                "Dotdigital refuses this user name and password, or the API user is disabled. "
                "Check them in Dotdigital under Settings > Access > API users."
            )
        case HostNotAllowed(host=host, why=why):
            return HostNotAllowedProblem(
                f"{_HOST_FAULTS[why].format(host=host)} No credentials were sent to it."
            )
        case NotPermitted():
            return Invalid(
                "The API user lacks a permission for this, or the account's package lacks the "
                "feature. Check the API user's permissions in Dotdigital."
            )
        case RateLimited():
            return DotdigitalUnreachable(
                "Dotdigital's rate limit is used up for now. Try again in a minute.",
                headers={"Retry-After": "60"},
            )
        case _:
            where = "" if error.asked is None else f" It was asked at {error.asked}."
            return DotdigitalUnreachable(
                f"Dotdigital can't do this now: {str(error).removesuffix('.')}.{where}"
            )
