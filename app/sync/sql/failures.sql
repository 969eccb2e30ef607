-- name: attempts
-- How often these people were tried without success. Primary key of person_changes.
SELECT person_id, attempts FROM person_changes
WHERE account_id = $1 AND person_id = ANY ($2::bigint[]);

-- name: record_people
-- Keep each failing person with its reason; the change stays due, at its next attempt. A person
-- that was changed meanwhile, or is to be looked at again for whatever else, is due at once: what
-- failed is not what stands. Who was erased meanwhile is passed over. Primary keys.
WITH given AS (
    SELECT given.*
    FROM unnest($2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[],
                $7::timestamptz[])
        AS given (person_id, version, changed_at, code, message, next_attempt_at)
    JOIN people AS person ON person.id = given.person_id
    ORDER BY person.id FOR KEY SHARE OF person
), kept AS (
    INSERT INTO failures AS failure (
        account_id, job, subject_type, subject_id, run_id, code, message, first_seen_at,
        last_seen_at, next_retry_at)
    SELECT $1, 'send_people', 'person', person_id, $8, code, message, $9, $9, next_attempt_at
    FROM given
    ON CONFLICT (account_id, job, subject_type, subject_id, coalesce(list_id, 0)) WHERE resolved_at IS NULL
    DO UPDATE SET code = excluded.code, message = excluded.message, run_id = excluded.run_id,
                  attempts = failure.attempts + 1, last_seen_at = excluded.last_seen_at,
                  next_retry_at = excluded.next_retry_at
), noted AS (
    INSERT INTO contact_links AS link (account_id, person_id, state, reason, reason_detail)
    SELECT $1, person_id, 'failed', code, message FROM given
    ON CONFLICT (account_id, person_id) DO UPDATE
        SET state = 'failed', reason = excluded.reason, reason_detail = excluded.reason_detail
)
UPDATE person_changes AS due
SET attempts = due.attempts + 1,
    next_attempt_at = coalesce(given.next_attempt_at, 'infinity')
FROM given
WHERE due.account_id = $1 AND due.person_id = given.person_id
  AND due.version <= given.version AND due.changed_at <= given.changed_at;

-- name: heal_people
-- These people stand well again, or need nothing: their failures are over. failures_open.
UPDATE failures SET resolved_at = $3, next_retry_at = NULL
WHERE account_id = $1 AND job = 'send_people' AND subject_type = 'person'
  AND subject_id = ANY ($2::bigint[]) AND resolved_at IS NULL;

-- name: failed_in_run
-- How many of these people failed in the run before. failures_open_people.
SELECT count(*) FROM failures
WHERE account_id = $1 AND subject_type = 'person' AND subject_id = ANY ($2::bigint[])
  AND resolved_at IS NULL AND run_id = $3;
