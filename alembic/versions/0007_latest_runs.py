"""The latest run of each job by what triggered it: asked every few seconds by every replica.

By id, Postgres would take the primary key, and go through all runs for a job that has few.
"""

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("runs_queued", "runs", ["account_id", "job", "trigger", "queued_at"])


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("runs_queued", table_name="runs")
