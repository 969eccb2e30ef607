"""The world: every account, wherever it lives, and the one clock that they share."""

from sandbox.clock import SandboxClock
from sandbox.state.account import Account
from sandbox.state.settings import AccountSettings, ApiUser

REGIONS = ("r1", "r2", "r3")

_FIRST_ACCOUNT_ID = 48213


class World:
    """All accounts, by id and by API user."""

    def __init__(self, clock: SandboxClock | None = None) -> None:
        self.clock = clock or SandboxClock()
        self.accounts: dict[int, Account] = {}
        self._users: dict[str, ApiUser] = {}

    def add_account(
        self,
        *,
        username: str,
        password: str,
        region: str = "r1",
        name: str = "Harbour Trust",
        settings: AccountSettings | None = None,
    ) -> Account:
        """Make an account with one API user; raises ValueError where name or region can't be."""
        if region not in REGIONS:
            raise ValueError(f"no region {region!r}")
        if username.lower() in self._users:
            raise ValueError(f"{username!r} is taken")
        ordinal = len(self.accounts)
        account = Account(
            _FIRST_ACCOUNT_ID + ordinal,
            name,
            region,
            self.clock,
            ordinal=ordinal,
            settings=settings,
        )
        self.accounts[account.id] = account
        self.add_user(ApiUser(username, password, account.id))
        return account

    def add_user(self, user: ApiUser) -> None:
        """Add an API user, or put another in its place."""
        self._users[user.username.lower()] = user

    def user(self, username: str, password: str) -> ApiUser | None:
        """Return the API user with these credentials, if they are right and the user enabled."""
        user = self._users.get(username.lower())
        if user is None or user.password != password or not user.is_enabled:
            return None
        return user

    def users_of(self, account_id: int) -> list[ApiUser]:
        """Return the API users of an account."""
        return [user for user in self._users.values() if user.account_id == account_id]

    async def close(self) -> None:
        """Drop the jobs that have not ended."""
        for account in self.accounts.values():
            await account.jobs.close()
