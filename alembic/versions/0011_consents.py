"""Consents of people, and which account was told of them."""

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels = None
depends_on = None

#: A consent is news of its person, whoever wrote it down.
CAPTURE = """
CREATE FUNCTION capture_consents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE people SET updated_at = clock_timestamp()
    WHERE id = ANY (ARRAY(SELECT DISTINCT person_id FROM added));
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "consents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("consented_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("ip_address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("consents_person", "consents", ["person_id", "id"], unique=False)
    op.create_table(
        "consents_told",
        sa.Column("consent_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("consent_id", "account_id"),
    )
    op.execute(CAPTURE)
    op.execute(
        """CREATE TRIGGER consents_capture AFTER INSERT ON consents
           REFERENCING NEW TABLE AS added
           FOR EACH STATEMENT EXECUTE FUNCTION capture_consents()"""
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("consents_told")
    op.drop_table("consents")
    op.execute("DROP FUNCTION capture_consents()")
