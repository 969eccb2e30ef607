-- name: looked_up_at
-- When Dotdigital was last asked what it has; from now on where it never was. Primary key.
INSERT INTO watermarks AS mark (account_id, stream, position) VALUES ($1, 'mapping_targets', $2)
ON CONFLICT (account_id, stream) DO UPDATE SET position = mark.position
RETURNING position;

-- name: looked_up
UPDATE watermarks SET position = $2 WHERE account_id = $1 AND stream = 'mapping_targets';

-- name: lost
-- Mappings whose target is known to be gone. failures_open.
SELECT subject_id FROM failures
WHERE account_id = $1 AND job = 'send_people' AND subject_type = 'mapping'
  AND resolved_at IS NULL;

-- name: due
-- Whether one of these is to be looked for again: its time has come, or somebody asked for a retry.
-- failures_open.
SELECT EXISTS (SELECT FROM failures
               WHERE account_id = $1 AND job = 'send_people' AND subject_type = 'mapping'
                 AND resolved_at IS NULL AND next_retry_at <= $2);

-- name: record
-- Mappings whose target is gone, with the sentence that says so. failures_open.
INSERT INTO failures AS failure (account_id, job, subject_type, subject_id, run_id, code, message,
                                 first_seen_at, last_seen_at, next_retry_at)
SELECT $1, 'send_people', 'mapping', mapping_id, $4, code, message, $5, $5, $6
FROM unnest($2::bigint[], $3::text[], $7::text[]) AS given (mapping_id, message, code)
ON CONFLICT (account_id, job, subject_type, subject_id, coalesce(list_id, 0))
    WHERE resolved_at IS NULL
DO UPDATE SET code = excluded.code, message = excluded.message, run_id = excluded.run_id,
              attempts = failure.attempts + 1, last_seen_at = excluded.last_seen_at,
              next_retry_at = excluded.next_retry_at;

-- name: forget
-- Nobody knows any more what contacts have in these data fields and preferences, so that nobody is
-- taken for told of them. Primary key of contact_links, the people ascending.
WITH held AS (
    SELECT account_id, person_id, acknowledged, last_read FROM contact_links
    WHERE account_id = $1 AND contact_id IS NOT NULL
    ORDER BY person_id FOR UPDATE
)
UPDATE contact_links AS link
SET sent_fingerprint = NULL, acknowledged = known.acknowledged, last_read = known.last_read
FROM held
CROSS JOIN LATERAL (
    SELECT (SELECT json_object_agg(part, CASE jsonb_typeof(given) WHEN 'object'
                                              THEN given - $2::text[] ELSE given END)
            FROM jsonb_each(held.acknowledged::jsonb) AS parts (part, given)) AS acknowledged,
           (SELECT json_object_agg(part, CASE jsonb_typeof(given) WHEN 'object'
                                              THEN given - $2::text[] ELSE given END)
            FROM jsonb_each(held.last_read::jsonb) AS parts (part, given)) AS last_read) AS known
WHERE link.account_id = held.account_id AND link.person_id = held.person_id;

-- name: heal
-- Mappings whose target is there, or that are gone themselves. failures_open.
UPDATE failures SET resolved_at = $3, next_retry_at = NULL
WHERE account_id = $1 AND job = 'send_people' AND subject_type = 'mapping'
  AND resolved_at IS NULL AND subject_id <> ALL ($2::bigint[])
RETURNING subject_id;

-- name: failed_by_schema
-- Whether records of this run failed in a way that a lost data field explains. failures_run.
SELECT EXISTS (SELECT FROM failures
               WHERE run_id = $1 AND subject_type = 'person' AND resolved_at IS NULL
                 AND lower(code) = ANY ($2::text[]));

-- name: try_again
-- Those records go without the lost field. failures_run.
UPDATE person_changes AS due SET next_attempt_at = '-infinity', changed_at = clock_timestamp()
FROM failures AS failure
WHERE failure.run_id = $1 AND failure.subject_type = 'person' AND failure.resolved_at IS NULL
  AND lower(failure.code) = ANY ($2::text[])
  AND due.account_id = failure.account_id AND due.person_id = failure.subject_id;

-- name: not_failed_yet
-- They are this run's failures only if they fail again; until then they stand. failures_run.
UPDATE failures SET run_id = NULL
WHERE run_id = $1 AND subject_type = 'person' AND resolved_at IS NULL
  AND lower(code) = ANY ($2::text[])
RETURNING id;
