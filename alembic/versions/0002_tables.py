"""Every table of the service."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_IS_A_JOB = (
    "job IN ('send_people', 'retrieve_people', 'retrieve_activities', "
    "'match_activities', 'send_lists', 'monitor_imports')"
)
_IS_AN_ACTIVITY = (
    "type IN ('email_send', 'email_open', 'email_click', 'email_bounce', "
    "'email_unsubscribe', 'form_submission', 'page_view', 'download')"
)

#: The next people with one of these facets in the order of their changes. By people_facet_updated
#: whatever the statistics say: they are few among many, which is what Postgres can't know.
PEOPLE_BY_CHANGES = """
CREATE FUNCTION people_by_changes(
    facets smallint[], after timestamptz, after_id bigint, most integer)
RETURNS TABLE (id bigint, updated_at timestamptz) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_incremental_sort = off
SET enable_sort = off AS $$
    SELECT one.id, one.updated_at
    FROM unnest(facets) AS value (facet) CROSS JOIN LATERAL (
        SELECT people.id, people.updated_at FROM people
        WHERE (people.facet, people.updated_at, people.id) > (value.facet, after, after_id)
          AND (people.facet, people.updated_at, people.id)
              <= (value.facet, 'infinity', 9223372036854775807)
        ORDER BY people.facet, people.updated_at, people.id LIMIT most
    ) AS one
    ORDER BY one.updated_at, one.id LIMIT most
$$
"""


def upgrade() -> None:
    """Apply."""
    # A migration waits a few seconds for its locks, never for ever.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("password_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'ok'"), nullable=False),
        sa.Column("state_detail", sa.Text(), nullable=True),
        sa.Column(
            "dotdigital_account_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "usage",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("usage_read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("1"),
            autoincrement=False,
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('ok', 'bad_credentials', 'unreachable', 'paused')",
            name="accounts_state",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("accounts_dotdigital", "accounts", ["dotdigital_account_id"], unique=False)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("1"),
            autoincrement=False,
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "audit_log_subject",
        "audit_log",
        ["subject_type", "subject_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "call_scopes",
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.Column("call", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_key", "call"),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("external_ref", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), server_default=sa.text("'person'"), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column(
            "email_key",
            sa.Text(),
            sa.Computed("nullif(lower(btrim(email)), '')", persisted=True),
            nullable=True,
        ),
        sa.Column("mobile_number", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("job_title", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("address_line_1", sa.Text(), nullable=True),
        sa.Column("address_line_2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("county", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("postcode", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column(
            "custom",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "sync_with_mailer",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
        ),
        sa.Column("no_email", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opted_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opt_out_reason", sa.Text(), nullable=True),
        sa.Column(
            "email_undeliverable",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("1"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "facet",
            sa.SmallInteger(),
            sa.Computed(
                "((NOT sync_with_mailer)::integer + no_email::integer * 2"
                " + (kind = 'lead')::integer * 4"
                " + (deleted_at IS NOT NULL)::integer * 8)::smallint",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('person', 'lead')", name="people_kind"),
        sa.ForeignKeyConstraint(["merged_into_id"], ["people.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("external_ref"),
    )
    op.create_index("people_email_key", "people", ["email_key", "id"], unique=False)
    op.create_index("people_facet", "people", ["facet", "id"], unique=False)
    op.create_index("people_facet_updated", "people", ["facet", "updated_at", "id"], unique=False)
    op.create_index(
        "people_merged_into",
        "people",
        ["merged_into_id"],
        unique=False,
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_index(
        "people_opted_out_emails",
        "people",
        ["email_key"],
        unique=False,
        postgresql_where=sa.text("no_email AND deleted_at IS NULL"),
    )
    op.create_index(
        "people_opted_out",
        "people",
        ["id"],
        unique=False,
        postgresql_where=sa.text("no_email"),
    )
    op.create_index(
        "people_search",
        "people",
        [sa.literal_column("search_codes(id, facet, search_text(email, first_name, last_name))")],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 1024},
    )
    op.execute(PEOPLE_BY_CHANGES)
    op.create_table(
        "rate_buckets",
        sa.Column("account_key", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("limit", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Double(), nullable=False),
        sa.Column("window_s", sa.Double(), nullable=False),
        sa.Column("resets_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("learned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opt_out_waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manual_waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account_key", "scope"),
    )
    op.create_table(
        "activity_settings",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("email_send", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("email_open", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("email_click", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("email_bounce", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "email_unsubscribe",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
        ),
        sa.Column(
            "form_submission",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
        ),
        sa.Column("page_view", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("download", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "contact_links",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reason_detail", sa.Text(), nullable=True),
        sa.Column("account_status", sa.Text(), nullable=True),
        sa.Column("suppressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opt_in_asked", sa.DateTime(timezone=True), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("mobile_sent", sa.Text(), nullable=True),
        sa.Column("acknowledged", sa.JSON(), nullable=True),
        sa.Column("sent_fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("sent_version", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("last_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('synced', 'pending', 'not_eligible', 'suppressed', 'failed', 'unlinked')",
            name="contact_links_state",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "person_id"),
    )
    op.create_index(
        "contact_links_contact",
        "contact_links",
        ["account_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("contact_id IS NOT NULL"),
    )
    op.create_index(
        "contact_links_email",
        "contact_links",
        ["account_id", "email_key"],
        unique=False,
        postgresql_where=sa.text("contact_id IS NOT NULL"),
    )
    op.create_index(
        "contact_links_mobile",
        "contact_links",
        ["account_id", "mobile_sent"],
        unique=False,
        postgresql_where=sa.text("mobile_sent IS NOT NULL"),
    )
    op.create_index("contact_links_person", "contact_links", ["person_id"], unique=False)
    op.create_index(
        "contact_links_state_person",
        "contact_links",
        ["state", "person_id"],
        unique=False,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("api_key_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("api_key_id", "key"),
    )
    op.create_index("idempotency_keys_created", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("interval_seconds", sa.Double(), nullable=True),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("enabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("1"),
            autoincrement=False,
            nullable=False,
        ),
        sa.CheckConstraint(
            _IS_A_JOB,
            name="jobs_job",
        ),
        sa.CheckConstraint(
            "(interval_seconds IS NULL) <> (cron IS NULL)",
            name="jobs_one_kind_of_schedule",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "job"),
    )
    op.create_table(
        "lists",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), server_default=sa.text("'static'"), nullable=False),
        sa.Column("synchronisation_with", sa.Text(), nullable=True),
        sa.Column("record_state", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column(
            "sync_mode",
            sa.Text(),
            server_default=sa.text("'continuous'"),
            nullable=False,
        ),
        sa.Column("entry_action", sa.Text(), server_default=sa.text("'add'"), nullable=False),
        sa.Column("exit_action", sa.Text(), server_default=sa.text("'remove'"), nullable=False),
        sa.Column(
            "resubscribe_mode",
            sa.Text(),
            server_default=sa.text("'never'"),
            nullable=False,
        ),
        sa.Column(
            "trigger_join_actions",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column("sync_status", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("visibility", sa.Text(), server_default=sa.text("'private'"), nullable=False),
        sa.Column("dotdigital_list_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("1"),
            autoincrement=False,
            nullable=False,
        ),
        sa.CheckConstraint("entry_action IN ('add', 'unsubscribe')", name="lists_entry_action"),
        sa.CheckConstraint(
            "exit_action IN ('remove', 'unsubscribe', 'ignore')",
            name="lists_exit_action",
        ),
        sa.CheckConstraint("kind IN ('static', 'campaign', 'audience')", name="lists_kind"),
        sa.CheckConstraint("record_state IN ('open', 'closed')", name="lists_record_state"),
        sa.CheckConstraint(
            "resubscribe_mode IN ('never', 'challenge', 'no_challenge')",
            name="lists_resubscribe_mode",
        ),
        sa.CheckConstraint("sync_mode IN ('continuous', 'one_time')", name="lists_sync_mode"),
        sa.CheckConstraint("synchronisation_with IN ('dotdigital')", name="lists_sync_with"),
        sa.CheckConstraint("visibility IN ('private', 'public')", name="lists_visibility"),
        sa.CheckConstraint(
            "synchronisation_with IS NULL OR account_id IS NOT NULL",
            name="lists_account",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )
    op.create_index("lists_account_id", "lists", ["account_id"], unique=False)
    op.create_table(
        "mailshots",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "dotdigital_campaign_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("from_name", sa.Text(), nullable=True),
        sa.Column("from_address", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "mailshots_campaign",
        "mailshots",
        ["account_id", "dotdigital_campaign_id"],
        unique=True,
    )
    op.create_table(
        "mappings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), server_default=sa.text("'field'"), nullable=False),
        sa.Column("applies_to", sa.Text(), server_default=sa.text("'both'"), nullable=False),
        sa.Column("person_field", sa.Text(), nullable=False),
        sa.Column("dotdigital_field", sa.Text(), nullable=False),
        sa.Column("data_field_type", sa.Text(), nullable=True),
        sa.Column("preference_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column(
            "direction",
            sa.Text(),
            server_default=sa.text("'to_dotdigital'"),
            nullable=False,
        ),
        sa.Column("when_blank", sa.Text(), server_default=sa.text("'clear'"), nullable=False),
        sa.Column(
            "conflict_rule",
            sa.Text(),
            server_default=sa.text("'prefer_dotsync'"),
            nullable=False,
        ),
        sa.Column("standard", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "version",
            sa.BigInteger(),
            server_default=sa.text("1"),
            autoincrement=False,
            nullable=False,
        ),
        sa.CheckConstraint("applies_to IN ('person', 'lead', 'both')", name="mappings_applies_to"),
        sa.CheckConstraint(
            "conflict_rule IN ('prefer_dotsync', 'prefer_dotdigital', 'latest')",
            name="mappings_conflict_rule",
        ),
        sa.CheckConstraint(
            "data_field_type IN ('String', 'Numeric', 'Date', 'Boolean')",
            name="mappings_data_field_type",
        ),
        sa.CheckConstraint(
            "direction IN ('to_dotdigital', 'from_dotdigital', 'two_way')",
            name="mappings_direction",
        ),
        sa.CheckConstraint("kind IN ('field', 'preference')", name="mappings_kind"),
        sa.CheckConstraint(
            "when_blank IN ('clear', 'keep', 'only_if_blank_there')",
            name="mappings_when_blank",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "mappings_target",
        "mappings",
        [
            "account_id",
            "kind",
            sa.literal_column("lower(dotdigital_field)"),
            "applies_to",
        ],
        unique=True,
    )
    op.create_table(
        "person_changes",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("'changed'"), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "next_attempt_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'-infinity'"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "reason IN ('changed', 'mapping', 'new_account', 'sibling', 'full', 'retry')",
            name="person_changes_reason",
        ),
        sa.PrimaryKeyConstraint("account_id", "person_id"),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), server_default=sa.text("'changes'"), nullable=False),
        sa.Column("trigger", sa.Text(), server_default=sa.text("'schedule'"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "progress_done",
            sa.BigInteger(),
            server_default=sa.text("0"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("progress_total", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "calls",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("checkpoint", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "queued_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            _IS_A_JOB,
            name="runs_job",
        ),
        sa.CheckConstraint("mode IN ('changes', 'full', 'dry_run')", name="runs_mode"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'cancelled')",
            name="runs_status",
        ),
        sa.CheckConstraint("trigger IN ('schedule', 'manual')", name="runs_trigger"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "runs_latest",
        "runs",
        ["account_id", "job", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "runs_one_active",
        "runs",
        ["account_id", "job"],
        unique=True,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_table(
        "watermarks",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("position", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "stream"),
    )
    op.create_table(
        "conflicts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("mapping_id", sa.BigInteger(), nullable=True),
        sa.Column("dotdigital_field", sa.Text(), nullable=False),
        sa.Column("base", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("ours", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("theirs", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("conflict_rule", sa.Text(), nullable=False),
        sa.Column("winner", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["mapping_id"], ["mappings.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "conflicts_by_id",
        "conflicts",
        ["account_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "failures",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "first_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("next_retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            _IS_A_JOB,
            name="failures_job",
        ),
        sa.CheckConstraint(
            "subject_type IN ('person', 'list', 'member', 'import', 'mapping')",
            name="failures_subject_type",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "failures_by_id",
        "failures",
        ["account_id", sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "failures_open",
        "failures",
        ["account_id", "job", "subject_type", "subject_id"],
        unique=True,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("failures_subject", "failures", ["subject_type", "subject_id"], unique=False)
    op.create_table(
        "imports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("kind", sa.Text(), server_default=sa.text("'people'"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'submitting'"), nullable=False),
        sa.Column("dotdigital_import_id", sa.Text(), nullable=True),
        sa.Column(
            "records",
            sa.BigInteger(),
            server_default=sa.text("0"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "created",
            sa.BigInteger(),
            server_default=sa.text("0"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "updated",
            sa.BigInteger(),
            server_default=sa.text("0"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column(
            "failed",
            sa.BigInteger(),
            server_default=sa.text("0"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("polls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('people', 'members', 'removal', 'deletion')", name="imports_kind"
        ),
        sa.CheckConstraint(
            "status IN ('submitting', 'open', 'finished', 'failed', 'lost')",
            name="imports_status",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("imports_run", "imports", ["run_id"], unique=False)
    op.create_index(
        "imports_unsettled",
        "imports",
        ["account_id", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('submitting', 'open')"),
    )
    op.create_table(
        "list_members",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("sync_state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("list_status", sa.Text(), nullable=True),
        sa.Column("account_status", sa.Text(), nullable=True),
        sa.Column(
            "added_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "sync_state IN ('pending', 'synced', 'leaving', 'failed', 'waiting')",
            name="list_members_sync_state",
        ),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("list_id", "person_id"),
    )
    op.create_index("list_members_person", "list_members", ["person_id"], unique=False)
    op.create_index(
        "list_members_unsettled",
        "list_members",
        ["list_id", "person_id"],
        unique=False,
        postgresql_where=sa.text("sync_state <> 'synced'"),
    )
    op.create_table(
        "online_activities",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mailshot_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column(
            "details",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("activity_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            _IS_AN_ACTIVITY,
            name="online_activities_type",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["mailshot_id"], ["mailshots.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "online_activities_key",
        "online_activities",
        ["account_id", "activity_key"],
        unique=True,
    )
    op.create_index(
        "online_activities_mailshot",
        "online_activities",
        [
            "mailshot_id",
            sa.literal_column("occurred_at DESC"),
            sa.literal_column("id DESC"),
        ],
        unique=False,
    )
    op.create_index(
        "online_activities_newest",
        "online_activities",
        [
            "type",
            sa.literal_column("occurred_at DESC"),
            sa.literal_column("id DESC"),
        ],
        unique=False,
    )
    op.create_index(
        "online_activities_orphans",
        "online_activities",
        ["account_id", "id"],
        unique=False,
        postgresql_where=sa.text("person_id IS NULL"),
    )
    op.create_index(
        "online_activities_person",
        "online_activities",
        [
            "person_id",
            sa.literal_column("occurred_at DESC"),
            sa.literal_column("id DESC"),
        ],
        unique=False,
    )
    op.create_table(
        "run_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("run_events_run", "run_events", ["run_id", "id"], unique=False)
    op.create_table(
        "import_records",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=True),
        sa.Column("mobile_number", sa.Text(), nullable=True),
        sa.Column("consent_ids", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("suppressed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("account_id", "person_id"),
    )
    op.create_index(
        "import_records_email",
        "import_records",
        ["account_id", "email_key"],
        unique=False,
    )
    op.create_index("import_records_import", "import_records", ["import_id"], unique=False)
    op.create_index(
        "import_records_mobile",
        "import_records",
        ["account_id", "mobile_number"],
        unique=False,
        postgresql_where=sa.text("mobile_number IS NOT NULL"),
    )


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(
        "import_records_mobile",
        table_name="import_records",
        postgresql_where=sa.text("mobile_number IS NOT NULL"),
    )
    op.drop_index("import_records_import", table_name="import_records")
    op.drop_index("import_records_email", table_name="import_records")
    op.drop_table("import_records")
    op.drop_index("run_events_run", table_name="run_events")
    op.drop_table("run_events")
    op.drop_index("online_activities_person", table_name="online_activities")
    op.drop_index(
        "online_activities_orphans",
        table_name="online_activities",
        postgresql_where=sa.text("person_id IS NULL"),
    )
    op.drop_index("online_activities_newest", table_name="online_activities")
    op.drop_index("online_activities_mailshot", table_name="online_activities")
    op.drop_index("online_activities_key", table_name="online_activities")
    op.drop_table("online_activities")
    op.drop_index(
        "list_members_unsettled",
        table_name="list_members",
        postgresql_where=sa.text("sync_state <> 'synced'"),
    )
    op.drop_index("list_members_person", table_name="list_members")
    op.drop_table("list_members")
    op.drop_index(
        "imports_unsettled",
        table_name="imports",
        postgresql_where=sa.text("status IN ('submitting', 'open')"),
    )
    op.drop_index("imports_run", table_name="imports")
    op.drop_table("imports")
    op.drop_index("failures_subject", table_name="failures")
    op.drop_index(
        "failures_open",
        table_name="failures",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.drop_index("failures_by_id", table_name="failures")
    op.drop_table("failures")
    op.drop_index("conflicts_by_id", table_name="conflicts")
    op.drop_table("conflicts")
    op.drop_table("watermarks")
    op.drop_index(
        "runs_one_active",
        table_name="runs",
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.drop_index("runs_latest", table_name="runs")
    op.drop_table("runs")
    op.drop_table("person_changes")
    op.drop_index("mappings_target", table_name="mappings")
    op.drop_table("mappings")
    op.drop_index("mailshots_campaign", table_name="mailshots")
    op.drop_table("mailshots")
    op.drop_index("lists_account_id", table_name="lists")
    op.drop_table("lists")
    op.drop_table("jobs")
    op.drop_index("idempotency_keys_created", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index("contact_links_state_person", table_name="contact_links")
    op.drop_index("contact_links_person", table_name="contact_links")
    op.drop_index(
        "contact_links_mobile",
        table_name="contact_links",
        postgresql_where=sa.text("mobile_sent IS NOT NULL"),
    )
    op.drop_index(
        "contact_links_email",
        table_name="contact_links",
        postgresql_where=sa.text("contact_id IS NOT NULL"),
    )
    op.drop_index(
        "contact_links_contact",
        table_name="contact_links",
        postgresql_where=sa.text("contact_id IS NOT NULL"),
    )
    op.drop_table("contact_links")
    op.drop_table("activity_settings")
    op.drop_table("rate_buckets")
    op.drop_index("people_search", table_name="people", postgresql_using="gin")
    op.drop_index("people_opted_out", table_name="people", postgresql_where=sa.text("no_email"))
    op.drop_index(
        "people_merged_into",
        table_name="people",
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.drop_index("people_facet_updated", table_name="people")
    op.drop_index("people_facet", table_name="people")
    op.drop_index("people_email_key", table_name="people")
    op.execute("DROP FUNCTION people_by_changes(smallint[], timestamptz, bigint, integer)")
    op.drop_table("people")
    op.drop_table("call_scopes")
    op.drop_index("audit_log_subject", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_table("api_keys")
    op.drop_index("accounts_dotdigital", table_name="accounts")
    op.drop_table("accounts")
