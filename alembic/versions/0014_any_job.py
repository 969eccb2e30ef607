"""Jobs are named by the code alone, so that a new one needs no migration."""

from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels = None
depends_on = None

_TABLES = ("jobs", "runs", "failures")
_IS_A_JOB = (
    "job IN ('send_people', 'retrieve_people', 'retrieve_activities', "
    "'match_activities', 'send_lists', 'monitor_imports')"
)


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in _TABLES:
        op.drop_constraint(f"{table}_job", table)


def downgrade() -> None:
    """Take back; rows of other jobs go."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in _TABLES:
        op.execute(f"DELETE FROM {table} WHERE NOT {_IS_A_JOB}")  # noqa: S608 - names of ours
        op.create_check_constraint(f"{table}_job", table, _IS_A_JOB)
