"""The functions behind the people search.

Finding a name or an email by any part of it needs an index on its pieces. The extension that
offers this is not on every server (the embedded one lacks it), so the pieces are made here: three
bytes at every other place, as numbers, which an index sorts quicker than text. Whoever looks for
something takes both ways that it may lie in the text (`services.people_search`). Line feeds stand
before and behind each part of the text, so that where a part begins or ends can be found too.

Every number says as well to which part of the people it belongs, 65,536 ids each: so what is sought
is found part by part, in the order of ids, and nothing behind a full page is looked at. One number
more holds the flags that people are listed by. Bytes are taken modulo 81, which keeps nearly all of
what stands in names and addresses apart, and leaves few to try where one of the three isn't known.
"""

from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

SEARCH_TEXT = r"""
CREATE FUNCTION search_text(email text, first_name text, last_name text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT lower(E'\n' || coalesce(email, '') || E'\n' || coalesce(first_name || ' ', '')
                 || coalesce(last_name, '') || E'\n\n')
$$
"""
#: Said to cost more than it does, so that it is looked up in the index and not worked out a row.
SEARCH_CODES = """
CREATE FUNCTION search_codes(person_id bigint, facet smallint, sought text)
RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
DECLARE
    bytes bytea := convert_to(sought, 'UTF8');
    part bigint := person_id >> 16 << 20;
    codes bigint[] := ARRAY[part | (531441 + facet)];
BEGIN
    FOR place IN 0 .. length(bytes) - 3 BY 2 LOOP
        codes[place / 2 + 2] := part | (get_byte(bytes, place) % 81 * 6561
                                        + get_byte(bytes, place + 1) % 81 * 81
                                        + get_byte(bytes, place + 2) % 81);
    END LOOP;
    RETURN codes;
END $$
"""


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(SEARCH_TEXT)
    op.execute(SEARCH_CODES)


def downgrade() -> None:
    """Take back."""
    op.execute("DROP FUNCTION search_codes(bigint, smallint, text)")
    op.execute("DROP FUNCTION search_text(text, text, text)")
