"""Addresses that must not be mailed, though nobody who opted out or no contact of ours has them.

A trigger keeps the address that somebody who opted out leaves, by another email or by being
deleted, whoever made the change: who has it next must not be mailed by an older opt-in.
"""

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None

#: What was told of an address before its newest opt-out is told again.
KEEP_LEFT_ADDRESSES = """
CREATE FUNCTION keep_left_addresses() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off AS $$
BEGIN
    INSERT INTO address_opt_outs AS kept (account_id, email_key, source, opted_out_at)
    SELECT accounts.id, gone.email_key, 'left', gone.opted_out_at
    FROM (SELECT before.email_key, max(greatest(before.opted_out_at,
                 CASE WHEN changed.deleted_at IS NOT NULL THEN changed.opted_out_at END))
          FROM before JOIN changed USING (id)
          WHERE before.email_key IS NOT NULL AND before.deleted_at IS NULL
            AND (before.no_email AND changed.email_key IS DISTINCT FROM before.email_key
                 OR changed.deleted_at IS NOT NULL AND (before.no_email OR changed.no_email))
          GROUP BY before.email_key) AS gone (email_key, opted_out_at)
    CROSS JOIN accounts
    ORDER BY accounts.id, gone.email_key
    ON CONFLICT (account_id, email_key) DO UPDATE
        SET opted_out_at = excluded.opted_out_at, refusal = NULL, dotdigital_import_id = NULL,
            confirmed_at = NULL
        WHERE kept.opted_out_at < excluded.opted_out_at;
    RETURN NULL;
END $$
"""

#: For a new account, whatever any other one knows, and those who were deleted before there was one.
KEEP_FOR_NEW_ACCOUNT = """
CREATE FUNCTION keep_left_addresses_for_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO address_opt_outs (account_id, email_key, source, opted_out_at)
    SELECT NEW.id, known.email_key, 'left', max(known.opted_out_at)
    FROM (SELECT email_key, opted_out_at FROM address_opt_outs
          UNION ALL
          SELECT email_key, opted_out_at FROM people WHERE no_email AND deleted_at IS NOT NULL)
         AS known (email_key, opted_out_at)
    WHERE known.email_key IS NOT NULL AND known.opted_out_at IS NOT NULL
    GROUP BY known.email_key;
    RETURN NULL;
END $$
"""

TRIGGERS = (
    """CREATE TRIGGER people_keep_left_addresses AFTER UPDATE ON people
       REFERENCING OLD TABLE AS before NEW TABLE AS changed
       FOR EACH STATEMENT EXECUTE FUNCTION keep_left_addresses()""",
    """CREATE TRIGGER accounts_keep_left_addresses AFTER INSERT ON accounts
       FOR EACH ROW EXECUTE FUNCTION keep_left_addresses_for_account()""",
)


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
            "source IN ('never_a_contact', 'perhaps_a_contact', 'old_address', 'deleted', 'left')",
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
    op.add_column(
        "contact_links", sa.Column("opt_out_told", sa.DateTime(timezone=True), nullable=True)
    )
    for statement in (KEEP_LEFT_ADDRESSES, KEEP_FOR_NEW_ACCOUNT, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER people_keep_left_addresses ON people")
    op.execute("DROP TRIGGER accounts_keep_left_addresses ON accounts")
    op.execute("DROP FUNCTION keep_left_addresses()")
    op.execute("DROP FUNCTION keep_left_addresses_for_account()")
    op.drop_column("contact_links", "opt_out_told")
    op.drop_table("address_opt_outs")
