"""Change capture: every change of a person is due for every account, whoever made it.

Who shares an email with the changed person is due as well where it matters to them: an opt-out
holds for the address, and an address that is given up can be another's.

The trigger does it, not the services, so that plain SQL and bulk loads count too, and so that a
transaction that commits late is not missed by a run that looked at the clock. A shared advisory
lock orders it against the making of an account, whose own trigger makes everyone due for it.
"""

from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None

KEEP_PERSON = """
CREATE FUNCTION keep_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.version := OLD.version + 1;
        NEW.updated_at := clock_timestamp();
        IF NEW.no_email IS DISTINCT FROM OLD.no_email THEN
            IF NEW.no_email AND NEW.opted_out_at IS NOT DISTINCT FROM OLD.opted_out_at THEN
                NEW.opted_out_at := clock_timestamp();
            ELSIF NOT NEW.no_email AND NEW.opted_in_at IS NOT DISTINCT FROM OLD.opted_in_at THEN
                NEW.opted_in_at := clock_timestamp();
            END IF;
        END IF;
    ELSIF NEW.no_email AND NEW.opted_out_at IS NULL THEN
        NEW.opted_out_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$
"""

#: A plain DELETE becomes the soft one, so that Dotdigital is told; only erasure really deletes.
KEEP_DELETED_PERSON = """
CREATE FUNCTION keep_deleted_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('dotsync.erasing', true) = 'on' THEN
        DELETE FROM person_changes WHERE person_id = OLD.id
            AND account_id = ANY (ARRAY(SELECT id FROM accounts));
        RETURN OLD;
    END IF;
    UPDATE people SET deleted_at = clock_timestamp() WHERE id = OLD.id AND deleted_at IS NULL;
    RETURN NULL;
END $$
"""

#: Looked up by index whatever the statistics say: the plan is kept for the life of a connection.
SIBLINGS = """
CREATE FUNCTION people_with_emails(email_keys text[])
RETURNS TABLE (person_id bigint, version bigint) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_nestloop = on AS $$
    SELECT people.id, people.version
    FROM unnest(email_keys) AS given (email_key)
    JOIN people ON people.email_key = given.email_key AND people.deleted_at IS NULL
$$
"""

#: A retrieve job names the account its news came from, which needs no telling. One statement makes
#: all of them due, in the order of the key, so that two writers never wait for each other.
_MAKE_DUE = """
    INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
    SELECT DISTINCT ON (accounts.id, touched.person_id)
           accounts.id, touched.person_id, touched.version, touched.reason, clock_timestamp()
    FROM (SELECT id, version, 'changed' FROM changed
          UNION ALL
          SELECT person_id, version, 'sibling' FROM people_with_emails(shared))
         AS touched (person_id, version, reason)
    CROSS JOIN accounts
    WHERE touched.reason = 'sibling'
       OR accounts.id::text IS DISTINCT FROM current_setting('dotsync.origin_account', true)
    ORDER BY accounts.id, touched.person_id, touched.reason
    ON CONFLICT (account_id, person_id) DO UPDATE
        SET version = excluded.version, changed_at = excluded.changed_at,
            reason = CASE WHEN due.reason = 'full' THEN 'full'
                          WHEN excluded.reason = 'sibling' THEN due.reason
                          ELSE 'changed' END,
            attempts = 0, next_attempt_at = '-infinity';
"""

_INSERTED = """
CREATE FUNCTION capture_new_people() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    shared text[] := ARRAY(SELECT DISTINCT email_key FROM changed
                           WHERE no_email AND email_key IS NOT NULL);
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('dotsync.accounts'));
    MAKE_DUE
    RETURN NULL;
END $$
"""

#: The plan of a session's first change is kept: were it a small one, before and after would be held
#: against each other row by row for a million, too.
_UPDATED = """
CREATE FUNCTION capture_person_changes() RETURNS trigger LANGUAGE plpgsql
SET enable_nestloop = off AS $$
DECLARE
    shared text[] := ARRAY(
        SELECT DISTINCT touched.email_key
        FROM before JOIN changed USING (id),
             LATERAL (VALUES (before.email_key), (changed.email_key)) AS touched (email_key)
        WHERE touched.email_key IS NOT NULL
          AND (before.email_key, before.no_email, before.deleted_at, before.merged_into_id)
              IS DISTINCT FROM
              (changed.email_key, changed.no_email, changed.deleted_at, changed.merged_into_id));
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('dotsync.accounts'));
    MAKE_DUE
    RETURN NULL;
END $$
"""

CAPTURE_INSERT = _INSERTED.replace("MAKE_DUE", _MAKE_DUE.strip())
CAPTURE_UPDATE = _UPDATED.replace("MAKE_DUE", _MAKE_DUE.strip())

CAPTURE_NEW_ACCOUNT = """
CREATE FUNCTION capture_everyone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('dotsync.accounts'));
    INSERT INTO person_changes (account_id, person_id, version, reason)
    SELECT NEW.id, id, version, 'new_account' FROM people WHERE deleted_at IS NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""

#: Behind the foreign keys' own triggers, by its name: who writes a change for a list of the account
#: holds that list, and is waited for there.
FORGET_ACCOUNT = """
CREATE FUNCTION forget_account_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('dotsync.accounts'));
    DELETE FROM person_changes WHERE account_id = OLD.id;
    RETURN NULL;
END $$
"""

TRIGGERS = (
    """CREATE TRIGGER people_keep BEFORE INSERT OR UPDATE ON people
       FOR EACH ROW EXECUTE FUNCTION keep_person()""",
    """CREATE TRIGGER people_keep_deleted BEFORE DELETE ON people
       FOR EACH ROW EXECUTE FUNCTION keep_deleted_person()""",
    """CREATE TRIGGER people_capture_insert AFTER INSERT ON people
       REFERENCING NEW TABLE AS changed
       FOR EACH STATEMENT EXECUTE FUNCTION capture_new_people()""",
    """CREATE TRIGGER people_capture_update AFTER UPDATE ON people
       REFERENCING OLD TABLE AS before NEW TABLE AS changed
       FOR EACH STATEMENT EXECUTE FUNCTION capture_person_changes()""",
    """CREATE TRIGGER accounts_capture AFTER INSERT ON accounts
       FOR EACH ROW EXECUTE FUNCTION capture_everyone()""",
    """CREATE TRIGGER accounts_forget_changes AFTER DELETE ON accounts
       FOR EACH ROW EXECUTE FUNCTION forget_account_changes()""",
)


def upgrade() -> None:
    """Apply."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (
        KEEP_PERSON,
        KEEP_DELETED_PERSON,
        SIBLINGS,
        CAPTURE_INSERT,
        CAPTURE_UPDATE,
        CAPTURE_NEW_ACCOUNT,
        FORGET_ACCOUNT,
        *TRIGGERS,
    ):
        op.execute(statement)


def downgrade() -> None:
    """Take back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for trigger in (
        "people_keep",
        "people_keep_deleted",
        "people_capture_insert",
        "people_capture_update",
    ):
        op.execute(f"DROP TRIGGER {trigger} ON people")
    op.execute("DROP TRIGGER accounts_capture ON accounts")
    op.execute("DROP TRIGGER accounts_forget_changes ON accounts")
    for function in (
        "keep_person",
        "keep_deleted_person",
        "capture_new_people",
        "capture_person_changes",
        "capture_everyone",
        "forget_account_changes",
    ):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP FUNCTION people_with_emails(text[])")
