"""Indexes by email and by number hold nothing else.

While a table was empty, a look-up of one person was planned over any index with the account in it,
and went through all of what the run then put there.
"""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels = None
depends_on = None

_INDEXES: Sequence[tuple[str, str, str, str | None]] = (
    ("contact_links_email", "contact_links", "email_key", "contact_id IS NOT NULL"),
    ("contact_links_mobile", "contact_links", "mobile_sent", "mobile_sent IS NOT NULL"),
    ("import_records_email", "import_records", "email_key", None),
    ("import_records_mobile", "import_records", "mobile_number", "mobile_number IS NOT NULL"),
)


def upgrade() -> None:
    """Apply."""
    for name, table, key, where in _INDEXES:
        _make(name, table, [key], where)


def downgrade() -> None:
    """Take back."""
    for name, table, key, where in _INDEXES:
        _make(name, table, ["account_id", key], where)


def _make(name: str, table: str, columns: list[str], where: str | None) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(name, table_name=table)
    op.create_index(name, table, columns, postgresql_where=None if where is None else text(where))
