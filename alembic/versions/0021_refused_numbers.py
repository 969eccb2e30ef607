"""The number that Dotdigital refused stays on the link, so that it isn't sent again and again."""

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("contact_links", sa.Column("mobile_refused", sa.Text(), nullable=True))
    op.create_index(
        "contact_links_mobile_refused",
        "contact_links",
        ["mobile_refused"],
        unique=False,
        postgresql_where=sa.text("mobile_refused IS NOT NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("contact_links_mobile_refused", table_name="contact_links")
    op.drop_column("contact_links", "mobile_refused")
