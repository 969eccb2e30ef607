"""Online activities by months, and what matching them has to remember.

No foreign keys: a check of each row would take longer than all else when they come by the million.
Triggers delete the activities that go with an account or with an erased person, and write down
whose links or emails changed, so that only the orphans concerned are looked at again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels = None
depends_on = None

_TYPES = (
    "type IN ('email_send', 'email_open', 'email_click', 'email_bounce', 'email_unsubscribe', "
    "'form_submission', 'page_view', 'download')"
)
_NEWEST_FIRST = [sa.literal_column("occurred_at DESC"), sa.literal_column("id DESC")]
_ORPHAN = sa.text("person_id IS NULL")
_MATCHED = sa.text("person_id IS NOT NULL")

#: Name, columns, condition.
_INDEXES: tuple[tuple[str, list[object], object], ...] = (
    ("person", ["person_id", *_NEWEST_FIRST], _MATCHED),
    ("of_account", ["account_id", "type", *_NEWEST_FIRST], _MATCHED),
    ("of_account_orphaned", ["account_id", "type", *_NEWEST_FIRST], _ORPHAN),
    ("of_mailshot", ["mailshot_id", "type", *_NEWEST_FIRST], _MATCHED),
    ("of_mailshot_orphaned", ["mailshot_id", "type", *_NEWEST_FIRST], _ORPHAN),
    ("orphans", ["account_id", "id"], _ORPHAN),
    ("orphans_contact", ["account_id", "contact_id"], _ORPHAN),
    ("orphans_email", [sa.text("lower(email)"), "account_id"], _ORPHAN),
    (
        "no_contact",
        ["mailshot_id", "occurred_at"],
        sa.text("contact_id IS NULL AND mailshot_id IS NOT NULL"),
    ),
)

#: Makes the partition of a day's month, unless it is there, and takes in what already lies in the
#: one for all other months. Says whether it made one.
MAKE_MONTH = """
CREATE FUNCTION make_activity_month(a_day date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    begins timestamptz := date_trunc('month', a_day::timestamp) AT TIME ZONE 'UTC';
    ends timestamptz :=
        (date_trunc('month', a_day::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
    partition text := to_char(a_day, '"online_activities_y"YYYY"m"MM');
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('dotsync.activity_months'));
    -- Looked up anew: what is known of names may be older than the lock.
    IF EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
               WHERE inhparent = 'online_activities'::regclass AND relname = partition) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE online_activities INCLUDING DEFAULTS'
                   ' INCLUDING CONSTRAINTS INCLUDING STORAGE)', partition);
    IF EXISTS (SELECT FROM online_activities_other_months
               WHERE occurred_at >= begins AND occurred_at < ends) THEN
        LOCK TABLE online_activities_other_months IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('WITH moved AS (DELETE FROM online_activities_other_months'
                       ' WHERE occurred_at >= %L AND occurred_at < %L RETURNING *)'
                       ' INSERT INTO %I SELECT * FROM moved', begins, ends, partition);
    END IF;
    EXECUTE format('ALTER TABLE online_activities ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   partition, begins, ends);
    RETURN true;
END $$
"""

#: Drops the months that ended before an instant; says how many.
DROP_MONTHS = """
CREATE FUNCTION drop_activity_months(before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    partition text;
    dropped integer := 0;
BEGIN
    FOR partition IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'online_activities'::regclass AND relname ~ '_y\\d{4}m\\d\\d$'
          AND (to_date(substring(relname FROM '\\d{4}m\\d\\d$'), 'YYYY"m"MM')
               + interval '1 month') AT TIME ZONE 'UTC' <= before
    LOOP
        EXECUTE format('DROP TABLE %I', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$
"""

GO_WITH_ACCOUNT = """
CREATE FUNCTION activities_go_with_account() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM online_activities WHERE account_id = OLD.id;
    DELETE FROM activity_rematches WHERE account_id = OLD.id;
    RETURN NULL;
END $$
"""

#: People are deleted for good by an erasure alone.
GO_WITH_PEOPLE = """
CREATE FUNCTION activities_go_with_people() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    DELETE FROM online_activities AS activity USING gone WHERE activity.person_id = gone.id;
    RETURN NULL;
END $$
"""

REMATCH_NEW_PEOPLE = """
CREATE FUNCTION rematch_new_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM activity_matching) THEN
        INSERT INTO activity_rematches (account_id, email_key)
        SELECT matching.account_id, changed.email_key
        FROM changed CROSS JOIN activity_matching AS matching
        WHERE changed.email_key IS NOT NULL AND changed.deleted_at IS NULL;
    END IF;
    RETURN NULL;
END $$
"""

#: As in the capture of changes: before and after are never held against each other row by row.
REMATCH_CHANGED_PEOPLE = """
CREATE FUNCTION rematch_changed_people() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off AS $$
BEGIN
    IF EXISTS (SELECT FROM activity_matching) THEN
        INSERT INTO activity_rematches (account_id, email_key, merged_id)
        SELECT matching.account_id,
               CASE WHEN touched.merged_id IS NULL THEN touched.email_key END,
               touched.merged_id
        FROM (
            SELECT changed.email_key,
                   CASE WHEN changed.merged_into_id IS NOT NULL
                        THEN changed.id END AS merged_id
            FROM before JOIN changed USING (id)
            WHERE (changed.merged_into_id IS NOT NULL
                   AND before.merged_into_id IS DISTINCT FROM changed.merged_into_id)
               OR (changed.email_key IS NOT NULL AND changed.deleted_at IS NULL
                   AND (before.email_key IS DISTINCT FROM changed.email_key
                        OR before.deleted_at IS NOT NULL))
        ) AS touched
        CROSS JOIN activity_matching AS matching;
    END IF;
    RETURN NULL;
END $$
"""

REMATCH_LINKED = """
CREATE FUNCTION rematch_linked_contact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO activity_rematches (account_id, contact_id)
    SELECT NEW.account_id, NEW.contact_id
    WHERE EXISTS (SELECT FROM activity_matching WHERE account_id = NEW.account_id);
    RETURN NULL;
END $$
"""

FUNCTIONS = {
    "make_activity_month(date)": MAKE_MONTH,
    "drop_activity_months(timestamptz)": DROP_MONTHS,
    "activities_go_with_account()": GO_WITH_ACCOUNT,
    "activities_go_with_people()": GO_WITH_PEOPLE,
    "rematch_new_people()": REMATCH_NEW_PEOPLE,
    "rematch_changed_people()": REMATCH_CHANGED_PEOPLE,
    "rematch_linked_contact()": REMATCH_LINKED,
}

#: Name, table, the rest.
TRIGGERS = (
    (
        "accounts_activities",
        "accounts",
        "AFTER DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION activities_go_with_account()",
    ),
    (
        "people_activities",
        "people",
        (
            "AFTER DELETE ON people REFERENCING OLD TABLE AS gone"
            " FOR EACH STATEMENT EXECUTE FUNCTION activities_go_with_people()"
        ),
    ),
    (
        "people_rematch_insert",
        "people",
        (
            "AFTER INSERT ON people REFERENCING NEW TABLE AS changed"
            " FOR EACH STATEMENT EXECUTE FUNCTION rematch_new_people()"
        ),
    ),
    (
        "people_rematch_update",
        "people",
        (
            "AFTER UPDATE ON people REFERENCING OLD TABLE AS before NEW TABLE AS changed"
            " FOR EACH STATEMENT EXECUTE FUNCTION rematch_changed_people()"
        ),
    ),
    (
        "contact_links_rematch_insert",
        "contact_links",
        (
            "AFTER INSERT ON contact_links FOR EACH ROW WHEN (NEW.contact_id IS NOT NULL)"
            " EXECUTE FUNCTION rematch_linked_contact()"
        ),
    ),
    (
        "contact_links_rematch_update",
        "contact_links",
        (
            "AFTER UPDATE ON contact_links FOR EACH ROW"
            " WHEN (NEW.contact_id IS NOT NULL AND NEW.contact_id IS DISTINCT FROM OLD.contact_id)"
            " EXECUTE FUNCTION rematch_linked_contact()"
        ),
    ),
)

_MAILSHOT_COLUMNS: tuple[tuple[str, object, str | None], ...] = (
    ("type", sa.Text(), None),
    ("status", sa.Text(), None),
    ("tags", postgresql.JSONB(), "'[]'::jsonb"),
    ("links", postgresql.JSONB(), "'[]'::jsonb"),
    ("sends_read", sa.BigInteger(), None),
    ("behind_since", sa.DateTime(timezone=True), None),
)


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, type_, default in _MAILSHOT_COLUMNS:
        op.add_column(
            "mailshots",
            sa.Column(
                name,
                type_,
                nullable=default is None,
                server_default=None if default is None else sa.text(default),
            ),
        )
    op.create_index(
        "mailshots_behind",
        "mailshots",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("behind_since IS NOT NULL"),
    )
    _set_aside()
    _create_by_months()
    _create_matching()
    for statement in FUNCTIONS.values():
        op.execute(statement)
    for name, _, rest in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {rest}")
    op.execute(
        """
        SELECT make_activity_month(month::date)
        FROM (SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC') AS month
              FROM online_activities_before) AS months
        """
    )
    _move_rows()


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, table, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("activity_rematches")
    op.drop_table("activity_matching")
    _set_aside()
    _create_plain()
    _move_rows()
    op.drop_index("mailshots_behind", table_name="mailshots")
    for name, _, _ in reversed(_MAILSHOT_COLUMNS):
        op.drop_column("mailshots", name)


def _set_aside() -> None:
    """Keep the rows until the table is there in its other shape; names are free again then."""
    op.execute(
        "CREATE TEMPORARY TABLE online_activities_before ON COMMIT DROP AS"
        " SELECT * FROM online_activities"
    )
    op.drop_table("online_activities")


MOVE_ROWS = """
INSERT INTO online_activities (id, account_id, type, occurred_at, mailshot_id, person_id,
                               contact_id, email, details, activity_key)
SELECT id, account_id, type, occurred_at, mailshot_id, person_id,
       contact_id, email, details, activity_key
FROM online_activities_before
ON CONFLICT DO NOTHING
"""
GO_ON_COUNTING = """
SELECT setval(pg_get_serial_sequence('online_activities', 'id'),
              (SELECT coalesce(max(id), 0) + 1 FROM online_activities_before), false)
"""


def _move_rows() -> None:
    """Take over the rows of the table as it was, with their ids."""
    op.execute(MOVE_ROWS)
    op.execute(GO_ON_COUNTING)


def _columns(type_: sa.Text) -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", type_, nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mailshot_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("activity_key", sa.LargeBinary(), nullable=False),
    ]


def _create_by_months() -> None:
    op.create_table(
        "online_activities",
        *_columns(sa.Text(collation="C")),
        sa.Column("matched_by", sa.Text(), nullable=True),
        sa.CheckConstraint(_TYPES, name="online_activities_type"),
        sa.CheckConstraint(
            "matched_by IN ('contact', 'email')", name="online_activities_matched_by"
        ),
        sa.PrimaryKeyConstraint("occurred_at", "id"),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index(
        "online_activities_key",
        "online_activities",
        ["account_id", "activity_key", "occurred_at"],
        unique=True,
    )
    for name, columns, condition in _INDEXES:
        op.create_index(
            f"online_activities_{name}",
            "online_activities",
            columns,
            unique=False,
            postgresql_where=condition,
        )
    op.execute("CREATE TABLE online_activities_other_months PARTITION OF online_activities DEFAULT")


def _create_matching() -> None:
    op.create_table(
        "activity_matching",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "matched_up_to",
            sa.BigInteger(),
            autoincrement=False,
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("queued_from_xid", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "activity_rematches",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("merged_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )


def _create_plain() -> None:
    """Make the table as it was before."""
    op.create_table(
        "online_activities",
        *_columns(sa.Text()),
        sa.CheckConstraint(_TYPES, name="online_activities_type"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["mailshot_id"], ["mailshots.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns, unique, condition in (
        ("key", ["account_id", "activity_key"], True, None),
        ("mailshot", ["mailshot_id", *_NEWEST_FIRST], False, None),
        ("newest", ["type", *_NEWEST_FIRST], False, None),
        ("orphans", ["account_id", "id"], False, _ORPHAN),
        ("person", ["person_id", *_NEWEST_FIRST], False, None),
    ):
        op.create_index(
            f"online_activities_{name}",
            "online_activities",
            columns,
            unique=unique,
            postgresql_where=condition,
        )
