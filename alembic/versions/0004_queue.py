"""PgQueuer's tables, as its own release declares them."""

from alembic import op
from pgqueuer.adapters.persistence import schema_ddl
from pgqueuer.domain.settings import DBSettings

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _run(schema_ddl.render_install(DBSettings()))


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _run(schema_ddl.render_uninstall(DBSettings()))


def _run(script: str) -> None:
    # SQLAlchemy prepares one statement at a time; the driver below takes a whole script. It runs
    # inside this migration's transaction, which the statement before it has begun.
    driver = op.get_bind().connection.dbapi_connection
    driver.run_async(lambda connection: connection.execute(script))
