"""Indexes of failures, conflicts, imports and runs, for the pages that show them.

And for what is deleted above them: each row of it would go through the whole of these tables.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None

INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("failures_unresolved", "failures", ["id"], "resolved_at IS NULL"),
    ("failures_code", "failures", ["code", "id"], None),
    ("failures_list", "failures", ["list_id", "id"], "list_id IS NOT NULL"),
    ("failures_run", "failures", ["run_id"], "run_id IS NOT NULL"),
    ("conflicts_person", "conflicts", ["person_id", "id"], None),
    ("conflicts_mapping", "conflicts", ["mapping_id", "id"], "mapping_id IS NOT NULL"),
    ("imports_by_id", "imports", ["account_id", "id"], None),
    ("runs_by_status", "runs", ["status", "id"], None),
)


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, table, columns, condition in INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, columns, postgresql_where=where)


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table_name=table)
