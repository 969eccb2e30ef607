-- name: links
-- How a person stands in every account. Primary keys; failures_subject.
SELECT account.id AS account_id, account.settings,
       link.contact_id, link.state, link.reason, link.reason_detail, link.account_status,
       link.last_sent_at,
       due.person_id IS NOT NULL AS pending_change, due.changed_at AS pending_since,
       flying.import_id,
       failure.id AS failure_id, failure.code, failure.message, failure.first_seen_at,
       failure.last_seen_at, failure.attempts, failure.next_retry_at
FROM accounts AS account
LEFT JOIN contact_links AS link ON link.account_id = account.id AND link.person_id = $1
LEFT JOIN person_changes AS due ON due.account_id = account.id AND due.person_id = $1
LEFT JOIN import_records AS flying
       ON flying.account_id = account.id AND flying.person_id = $1
LEFT JOIN LATERAL (
    SELECT * FROM failures
    WHERE failures.subject_type = 'person' AND failures.subject_id = $1
      AND failures.account_id = account.id AND failures.resolved_at IS NULL
    ORDER BY failures.id DESC LIMIT 1
) AS failure ON true
ORDER BY account.id;

-- name: gone
-- Which of these people are deleted, and since when; merged ones are. Primary key.
SELECT id, deleted_at FROM people WHERE id = ANY ($1::bigint[]) AND deleted_at IS NOT NULL;

-- name: audiences
-- Suppression audiences that had this person suppressed, by account. list_members_person.
SELECT list.account_id, list.id, list.name, list.options ->> 'resubscribe_mode' AS resubscribe_mode
FROM list_members AS member JOIN lists AS list ON list.id = member.list_id
WHERE member.person_id = $1 AND member.unsubscribed_at IS NOT NULL
  AND member.sync_state <> 'leaving' AND list.options @> '{"entry_action": "unsubscribe"}'
ORDER BY list.id;

-- name: left_out
-- Mappings of what is sent for this person that are left out, for what they point at is gone.
-- failures_open.
SELECT failure.account_id, failure.id AS failure_id, mapping.id, mapping.person_field,
       mapping.dotdigital_field
FROM failures AS failure
JOIN mappings AS mapping ON mapping.id = failure.subject_id
JOIN people AS person ON person.id = $1 AND mapping.applies_to IN ('both', person.kind)
WHERE failure.job = 'send_people' AND failure.subject_type = 'mapping'
  AND failure.resolved_at IS NULL AND mapping.direction IN ('to_dotdigital', 'two_way')
ORDER BY mapping.id;

-- name: as_if_due
-- Goes before send_people's due_people: the person ($6) is due, and nobody else is; what it has in
-- flight itself doesn't count.
WITH person_changes AS (
    SELECT $1::bigint AS account_id, $6::bigint AS person_id, 'changed' AS reason,
           0::smallint AS attempts, now() AS changed_at, '-infinity'::timestamptz AS next_attempt_at
), import_records AS NOT MATERIALIZED (
    SELECT * FROM import_records WHERE person_id <> $6::bigint
)
