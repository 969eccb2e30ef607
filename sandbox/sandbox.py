"""One sandbox: its world, what is held ready to go wrong in it, and what was asked of it."""

from sandbox.call_log import CallLog
from sandbox.clock import SandboxClock
from sandbox.faults import Faults
from sandbox.rate_limits import RateLimits
from sandbox.state import REGIONS, Account, World

USERNAME = "apiuser-sandbox@apiconnector.com"
PASSWORD = "sandbox-password-1"  # noqa: S105 - it opens nothing but this


class Sandbox:
    """Everything that the hosts of the three regions share."""

    def __init__(self, hosts: dict[str, str] | None = None) -> None:
        #: Each region's URL, without a slash at the end.
        self.hosts = hosts or {
            region: f"https://{region}-api.sandbox.example" for region in REGIONS
        }
        self.world = World()
        self.faults = Faults()
        self.calls = CallLog()
        self.rate_limits = RateLimits()
        self._default_region = "r1"

    @property
    def clock(self) -> SandboxClock:
        """The world's clock."""
        return self.world.clock

    def add_default_account(self, region: str = "r1") -> Account:
        """Make the account that a fresh sandbox has, `USERNAME` and `PASSWORD`."""
        self._default_region = region
        return self.world.add_account(username=USERNAME, password=PASSWORD, region=region)

    async def reset(self) -> None:
        """Begin again: a fresh world, the default account, no faults, nothing counted."""
        await self.world.close()
        self.world = World()
        self.faults.remove()
        self.calls.clear()
        self.rate_limits = RateLimits()
        self.add_default_account(self._default_region)
