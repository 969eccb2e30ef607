"""An engine, and accounts that it can call with: what a replica has, without HTTP in front."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.clients.dotdigital import Transport
from app.clock import Clock
from app.db import Database
from app.models import Account
from app.services.cipher import CredentialsCipher, key_kept_in
from app.services.dotdigital import DotdigitalConnector
from app.settings import Settings
from app.sync.engine import Engine, JobFunction
from app.sync.jobs import JOB_FUNCTIONS
from app.sync.queue import trigger_run
from app.sync.rate_buckets import PostgresBucketStore
from tests.factories.accounts import make_account


@dataclass(slots=True)
class Replica:
    """What one replica runs jobs with."""

    database: Database
    clock: Clock
    settings: Settings
    engine: Engine

    async def trigger(
        self,
        account: Account,
        job: str,
        mode: str = "changes",
        scope: Mapping[str, Any] | None = None,
    ) -> int:
        """Queue a manual run; return its id."""
        async with self.database.transaction() as connection:
            return await trigger_run(
                connection,
                account_id=account.id,
                job=job,
                mode=mode,
                trigger="manual",
                at=self.clock.now(),
                scope=scope,
            )

    async def run(self, account: Account, job: str, mode: str = "changes") -> Mapping[str, Any]:
        """Run a job to its end; return the run's row."""
        run_id = await self.trigger(account, job, mode)
        await self.engine.execute(run_id)
        return await self.row(run_id)

    async def row(self, run_id: int) -> Mapping[str, Any]:
        """Return the run's row as it stands."""
        row: Mapping[str, Any] = await self.database.pool.fetchrow(
            "SELECT * FROM runs WHERE id = $1", run_id
        )
        return row


def replica_on(
    database: Database,
    transport: Transport,
    clock: Clock,
    settings: Settings,
    jobs: Mapping[str, JobFunction] = JOB_FUNCTIONS,
) -> Replica:
    """Give a replica with these jobs, which calls over this transport."""
    cipher = CredentialsCipher([key_kept_in(settings.data_dir)])
    connector = DotdigitalConnector(
        transport, PostgresBucketStore(database, clock), cipher, clock, settings
    )
    engine = Engine(
        database=database,
        clock=clock,
        settings=settings,
        connector=connector,
        jobs=dict(jobs),
    )
    return Replica(database, clock, settings, engine)


@contextlib.asynccontextmanager
async def replica(
    database: Database,
    clock: Clock,
    settings: Settings,
    jobs: Mapping[str, JobFunction] = JOB_FUNCTIONS,
) -> AsyncIterator[Replica]:
    """Give a replica with these jobs."""
    async with Transport(allowed_hosts=settings.allowed_hosts) as transport:
        yield replica_on(database, transport, clock, settings, jobs)


async def make_usable_account(
    database: Database, settings: Settings, password: str = "password", **overrides: object
) -> Account:
    """Store an account whose password the replica can read."""
    cipher = CredentialsCipher([key_kept_in(settings.data_dir)])
    return await make_account(
        database, **{"password_encrypted": cipher.encrypt(password), **overrides}
    )
