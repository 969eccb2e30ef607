"""Options of a list stand together in one document, so that a new one needs no migration."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels = None
depends_on = None

#: What an option may be that is a word, its default first.
_WORDS = {
    "sync_mode": ("continuous", "one_time"),
    "entry_action": ("add", "unsubscribe"),
    "exit_action": ("remove", "unsubscribe", "ignore"),
    "resubscribe_mode": ("never", "challenge", "no_challenge"),
    "visibility": ("private", "public"),
}
_FLAGS = ("trigger_join_actions", "sync_status")


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "lists",
        sa.Column(
            "options",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )
    kept = ", ".join(f"'{name}', {name}" for name in (*_WORDS, *_FLAGS))
    op.execute(f"UPDATE lists SET options = jsonb_build_object({kept})")  # noqa: S608 - names of ours
    op.create_check_constraint("lists_options", "lists", "jsonb_typeof(options) = 'object'")
    for name in (*_WORDS, *_FLAGS):
        op.drop_column("lists", name)


def downgrade() -> None:
    """Take back; what the columns can't hold goes to its default."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, words in _WORDS.items():
        default = sa.text(f"'{words[0]}'")
        op.add_column("lists", sa.Column(name, sa.Text(), server_default=default, nullable=False))
        among = ", ".join(f"'{word}'" for word in words)
        op.execute(
            f"UPDATE lists SET {name} = options ->> '{name}'"  # noqa: S608 - names of ours
            f" WHERE options ->> '{name}' IN ({among})"
        )
        op.create_check_constraint(f"lists_{name}", "lists", f"{name} IN ({among})")
    for name in _FLAGS:
        op.add_column(
            "lists",
            sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False),
        )
        op.execute(
            f"UPDATE lists SET {name} = true WHERE options @> '{{\"{name}\": true}}'"  # noqa: S608
        )
    op.drop_column("lists", "options")
