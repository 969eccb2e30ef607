-- name: still_go
-- Those of these people who stand as they were read, so that their contacts go still. Primary keys.
SELECT person.id
FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS given (person_id, version, contact_id)
JOIN people AS person ON person.id = given.person_id AND person.version = given.version
JOIN contact_links AS link
  ON link.account_id = $1 AND link.person_id = given.person_id
 AND link.contact_id = given.contact_id;

-- name: linked_since
-- Which of these contacts were linked since then, or at all. contact_links_contact.
SELECT link.contact_id
FROM unnest($2::bigint[]) AS given (contact_id)
JOIN contact_links AS link ON link.account_id = $1 AND link.contact_id = given.contact_id
WHERE coalesce(link.linked_at >= $3::timestamptz, true);

-- name: hold_heirs
-- Those of these people who can take a contact over, held so that they stay. people_pkey.
SELECT person.id FROM people AS person
WHERE person.id = ANY ($2::bigint[]) AND person.deleted_at IS NULL
  AND person.merged_into_id IS NULL
  AND NOT EXISTS (SELECT FROM contact_links AS link
                  WHERE link.account_id = $1 AND link.person_id = person.id
                    AND link.contact_id IS NOT NULL)
ORDER BY person.id FOR KEY SHARE;

-- name: unlink_departed
-- People whose contact is gone, or goes over: the link says why, and the change is dealt with unless
-- a newer one stands. Primary keys.
WITH given AS (
    SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::timestamptz[], $5::bigint[], $6::text[])
        AS given (person_id, version, changed_at, contact_id, reason)
), gone AS (
    SELECT link.person_id, link.email_key, link.mobile_sent
    FROM given JOIN contact_links AS link
      ON link.account_id = $1 AND link.person_id = given.person_id
     AND link.contact_id = given.contact_id
    ORDER BY link.person_id FOR UPDATE OF link
), unlinked AS (
    UPDATE contact_links AS link
    SET contact_id = NULL, state = 'not_eligible', reason = given.reason, reason_detail = NULL,
        account_status = NULL, suppressed_at = NULL, opt_out_told = NULL, opt_in_asked = NULL,
        email_key = NULL,
        mobile_sent = NULL, acknowledged = NULL, sent_fingerprint = NULL, sent_version = NULL,
        linked_at = NULL
    FROM given JOIN gone USING (person_id)
    WHERE link.account_id = $1 AND link.person_id = given.person_id
), settled AS (
    DELETE FROM person_changes AS due USING given
    WHERE due.account_id = $1 AND due.person_id = given.person_id
      AND due.version <= given.version AND due.changed_at <= given.changed_at
)
SELECT email_key, mobile_sent FROM gone;

-- name: take_over
-- The heirs get the contacts, which are to be sent their values. Primary key of contact_links.
INSERT INTO contact_links AS link (
    account_id, person_id, contact_id, state, account_status, suppressed_at, email_key,
    mobile_sent, opt_out_told, linked_at)
SELECT $1, person_id, contact_id, 'pending', account_status, suppressed_at, email_key,
       mobile_sent, opt_out_told, $8
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
            $9::timestamptz[])
    AS given (person_id, contact_id, account_status, suppressed_at, email_key, mobile_sent,
              opt_out_told)
ORDER BY person_id
ON CONFLICT (account_id, person_id) DO UPDATE
    SET contact_id = excluded.contact_id, state = excluded.state, reason = NULL,
        reason_detail = NULL, account_status = excluded.account_status,
        suppressed_at = excluded.suppressed_at, opt_out_told = excluded.opt_out_told,
        email_key = excluded.email_key,
        mobile_sent = excluded.mobile_sent, mobile_refused = NULL, acknowledged = NULL,
        sent_fingerprint = NULL,
        sent_version = NULL, linked_at = excluded.linked_at;

-- name: take_over_doubt
-- What may come late is about the contact, so it goes along. Primary key of contact_links.
UPDATE contact_links AS link SET opt_in_doubt_at = gone.opt_in_doubt_at
FROM unnest($2::bigint[], $3::bigint[]) AS given (heir_id, person_id)
JOIN contact_links AS gone
  ON gone.account_id = $1 AND gone.person_id = given.person_id AND gone.opt_in_doubt_at IS NOT NULL
WHERE link.account_id = $1 AND link.person_id = given.heir_id;
