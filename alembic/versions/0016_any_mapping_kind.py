"""Kinds of mapping are named by the code alone, so that a new one needs no migration."""

from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels = None
depends_on = None

_IS_A_KIND = "kind IN ('field', 'preference')"


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint("mappings_kind", "mappings")


def downgrade() -> None:
    """Take back; mappings of other kinds go."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"DELETE FROM mappings WHERE NOT {_IS_A_KIND}")  # noqa: S608 - words of ours
    op.create_check_constraint("mappings_kind", "mappings", _IS_A_KIND)
