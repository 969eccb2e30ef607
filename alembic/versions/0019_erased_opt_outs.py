"""Whether whoever was erased had opted out, kept beside the hash of the address."""

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("erasures", sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "erasures_opted_out",
        "erasures",
        ["email_hash"],
        unique=False,
        postgresql_where=sa.text("opted_out_at IS NOT NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("erasures_opted_out", table_name="erasures")
    op.drop_column("erasures", "opted_out_at")
