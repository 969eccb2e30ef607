"""Addresses that no contact of ours holds, and that must not be mailed."""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "address_opt_outs",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dotdigital_import_id", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "source IN ('never_a_contact', 'old_address', 'deleted')",
            name="address_opt_outs_source",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "email_key"),
    )
    op.create_index(
        "address_opt_outs_untold",
        "address_opt_outs",
        ["account_id", "email_key"],
        unique=False,
        postgresql_where=sa.text("confirmed_at IS NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("address_opt_outs")
