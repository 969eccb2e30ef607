"""Opt-ins that may still be on their way, and indexes of who fails or waits for a number."""

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "contact_links", sa.Column("opt_in_doubt_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_index(
        "contact_links_opt_in_doubt",
        "contact_links",
        ["account_id", "person_id"],
        unique=False,
        postgresql_where=sa.text("opt_in_doubt_at IS NOT NULL"),
    )
    op.create_index(
        "contact_links_number_taken",
        "contact_links",
        ["account_id", "person_id"],
        unique=False,
        postgresql_where=sa.text("reason = 'mobile_number_taken'"),
    )
    op.create_index(
        "failures_open_people",
        "failures",
        ["account_id", "subject_id"],
        unique=False,
        postgresql_where=sa.text("subject_type = 'person' AND resolved_at IS NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("failures_open_people", table_name="failures")
    op.drop_index("contact_links_number_taken", table_name="contact_links")
    op.drop_index("contact_links_opt_in_doubt", table_name="contact_links")
    op.drop_column("contact_links", "opt_in_doubt_at")
