"""Members on their way to or from Dotdigital's lists, and what a list's sync has to remember.

Two triggers keep members in step with what befalls their people: whoever is deleted leaves every
list, and whose contact is gone, or is another one, is to be put on its lists again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('people', 'members', 'removal', 'deletion')"
_MORE_KINDS = "kind IN ('people', 'members', 'removal', 'deletion', 'resubscription')"
_SUBJECT = ["account_id", "job", "subject_type", "subject_id"]

#: A contact that went from one person to none is off its lists, or stays as it is by a wish.
FOLLOW_LINKS = """
CREATE FUNCTION members_follow_links() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE list_members AS member
    SET sync_state = CASE WHEN NEW.contact_id IS NULL THEN 'waiting' ELSE 'pending' END,
        contact_id = CASE WHEN NEW.contact_id IS NULL THEN NULL ELSE member.contact_id END,
        list_status = NULL, account_status = NULL, changed_at = clock_timestamp()
    FROM lists AS list
    WHERE member.person_id = NEW.person_id AND list.id = member.list_id
      AND list.account_id = NEW.account_id
      AND member.sync_state IN ('pending', 'synced', 'failed');
    RETURN NULL;
END $$
"""

#: Whoever is merged takes its memberships to the survivor, which the merge itself does.
LEAVE_WHEN_DELETED = """
CREATE FUNCTION deleted_people_leave_lists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE list_members SET sync_state = 'leaving', changed_at = clock_timestamp()
    WHERE person_id = NEW.id AND sync_state <> 'leaving';
    RETURN NULL;
END $$
"""

TRIGGERS = (
    """CREATE TRIGGER contact_links_members AFTER UPDATE ON contact_links FOR EACH ROW
       WHEN (OLD.contact_id IS NOT NULL AND NEW.contact_id IS DISTINCT FROM OLD.contact_id)
       EXECUTE FUNCTION members_follow_links()""",
    """CREATE TRIGGER people_leave_lists AFTER UPDATE ON people FOR EACH ROW
       WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL
             AND NEW.merged_into_id IS NULL)
       EXECUTE FUNCTION deleted_people_leave_lists()""",
)


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("runs", sa.Column("scope", postgresql.JSONB(), nullable=True))
    for name in ("bound_at", "sent_once_at", "status_read_at", "status_swept_at"):
        op.add_column("lists", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("list_members", sa.Column("contact_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "list_members", sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True)
    )
    _unsettled(["list_id", "sync_state", "person_id"])
    op.create_table(
        "import_members",
        sa.Column("list_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("list_id", "person_id"),
    )
    op.create_index("import_members_import", "import_members", ["import_id"], unique=False)
    _kinds(_MORE_KINDS)
    _open_failures([*_SUBJECT, sa.literal_column("COALESCE(list_id, 0)")])
    for statement in (FOLLOW_LINKS, LEAVE_WHEN_DELETED, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER contact_links_members ON contact_links")
    op.execute("DROP TRIGGER people_leave_lists ON people")
    op.execute("DROP FUNCTION members_follow_links()")
    op.execute("DROP FUNCTION deleted_people_leave_lists()")
    op.execute(
        "DELETE FROM failures WHERE subject_type = 'member' AND list_id IS NOT NULL"
        " AND resolved_at IS NULL"
    )
    _open_failures(_SUBJECT)
    op.execute("DELETE FROM imports WHERE kind = 'resubscription'")
    _kinds(_KINDS)
    op.drop_table("import_members")
    _unsettled(["list_id", "person_id"])
    op.drop_column("list_members", "unsubscribed_at")
    op.drop_column("list_members", "contact_id")
    for name in ("status_swept_at", "status_read_at", "sent_once_at", "bound_at"):
        op.drop_column("lists", name)
    op.drop_column("runs", "scope")


def _unsettled(columns: list[str]) -> None:
    op.drop_index("list_members_unsettled", table_name="list_members")
    op.create_index(
        "list_members_unsettled",
        "list_members",
        columns,
        unique=False,
        postgresql_where=sa.text("sync_state <> 'synced'"),
    )


def _kinds(condition: str) -> None:
    op.drop_constraint("imports_kind", "imports", type_="check")
    op.create_check_constraint("imports_kind", "imports", condition)


def _open_failures(columns: list[object]) -> None:
    op.drop_index("failures_open", table_name="failures")
    op.create_index(
        "failures_open",
        "failures",
        columns,
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
