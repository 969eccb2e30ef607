"""The function behind the people search.

Finding a name or an email by any part of it needs an index on its three-letter pieces. The
extension that offers this is not on every server (the embedded one lacks it), so the pieces are
made here.
"""

from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        CREATE FUNCTION search_grams(email text, first_name text, last_name text)
        RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
            SELECT coalesce(array_agg(DISTINCT substr(part, at, 3)), '{}')
            FROM unnest(ARRAY[
                     lower(email),
                     lower(coalesce(first_name || ' ', '') || coalesce(last_name, ''))
                 ]) AS part,
                 generate_series(1, length(part) - 2) AS at
        $$
        """
    )


def downgrade() -> None:
    """Take back."""
    op.execute("DROP FUNCTION search_grams(text, text, text)")
