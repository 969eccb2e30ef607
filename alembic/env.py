"""Where Alembic meets our tables; `app.db.migrate` hands the connection in."""

import asyncio

from alembic import context
from sqlalchemy.engine import Connection
from sqlalchemy.schema import SchemaItem

from app.db import Database, database_url
from app.models import metadata
from app.settings import Settings


def _ours(_item: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: FBT001
    """Leave out what has no model: PgQueuer's tables, and the months of activities."""
    foreign = ("pgqueuer", "online_activities_")
    return not (kind == "table" and name is not None and name.startswith(foreign))


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=_ours,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run_alone() -> None:
    engine = Database(await database_url(Settings())).engine
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(_run_alone())
else:
    _run(given)
