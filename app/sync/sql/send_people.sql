-- name: count_due
-- How many people are due, for the run's progress. Primary key of person_changes.
SELECT count(*) FROM person_changes WHERE account_id = $1 AND next_attempt_at <= $2;

-- name: calls_a_minute
-- What the account's limits allow of a call, as far as its answers have told. Primary keys.
SELECT bucket.limit * 60 / bucket.window_s
FROM call_scopes AS scope
JOIN rate_buckets AS bucket
  ON bucket.account_key = scope.account_key AND bucket.scope = scope.scope
WHERE scope.account_key = $1 AND scope.call = $2;

-- name: drop_gone
-- Changes of people who were erased while somebody made them due. Primary keys of both.
DELETE FROM person_changes AS due
WHERE due.account_id = $1
  AND (SELECT person.id FROM people AS person WHERE person.id = due.person_id) IS NULL;

-- name: make_all_due
-- A full run: everyone who is kept, or still linked, is due whatever was sent before. In the order
-- of ids, as everybody writes changes. Numbers that were refused are tried again.
WITH refused AS (
    SELECT account_id, person_id FROM contact_links
    WHERE account_id = $1 AND mobile_refused IS NOT NULL
    ORDER BY person_id FOR UPDATE
), forgotten AS (
    UPDATE contact_links AS link SET mobile_refused = NULL FROM refused
    WHERE link.account_id = refused.account_id AND link.person_id = refused.person_id
)
INSERT INTO person_changes AS due (account_id, person_id, version, reason)
SELECT $1, id, version, 'full'
FROM people
WHERE deleted_at IS NULL
   OR EXISTS (SELECT FROM contact_links AS link
              WHERE link.account_id = $1 AND link.person_id = people.id
                AND link.contact_id IS NOT NULL)
ORDER BY id
ON CONFLICT (account_id, person_id) DO UPDATE
    SET reason = 'full', attempts = 0, next_attempt_at = '-infinity';

-- name: due_people
-- The next due people of an account after a person id, with all that a decision needs.
-- Keyset on the primary key of person_changes; the rest by people_pkey, people_opted_out,
-- contact_links_email, contact_links_mobile and the indexes of import_records. Written so that each
-- look-up can only be made row by row, by the index of what it looks for: a run fills these tables
-- faster than their statistics follow, and what is planned by them, while they are empty even, reads
-- a whole table for each row.
SELECT due.person_id, due.reason AS change_reason, due.attempts, due.changed_at,
       person.version, person.kind, person.email, person.email_key, person.mobile_number,
       person.first_name, person.last_name, person.title, person.job_title,
       person.organisation, person.address_line_1, person.address_line_2, person.city,
       person.county, person.state, person.postcode, person.country, person.custom,
       -- Of most people it is little, and to know how little takes longer than it's worth.
       CASE WHEN pg_column_compression(person.custom) IS NULL AND pg_column_size(person.custom) < 1000
            THEN 0 ELSE octet_length(person.custom::text) END AS custom_bytes,
       person.external_ref, person.sync_with_mailer, person.no_email,
       person.email_undeliverable, person.created_at, person.updated_at,
       person.deleted_at IS NOT NULL AS deleted,
       person.merged_into_id,
       person.opted_out_at, person.opted_in_at, address.opted_out_at AS address_opted_out_at,
       address.source AS address_source, address.refusal AS address_refusal,
       NOT person.no_email AND coalesce(
           person.opted_in_at > coalesce(greatest(person.opted_out_at, address.opted_out_at),
                                         '-infinity'), false) AS opted_in_since,
       link.contact_id, link.email_key AS email_sent, link.account_status, link.sent_fingerprint,
       link.state AS link_state, link.reason AS link_reason, link.opt_in_asked, link.last_sent_at,
       link.opt_out_told,
       coalesce(greatest(link.opt_out_told,
                         CASE WHEN link.last_read ->> 'contact_id' = link.contact_id::text
                              THEN (link.last_read ->> 'off_at')::timestamptz END)
                >= greatest(CASE WHEN person.no_email THEN person.opted_out_at END, other.opted_out_at,
                            CASE WHEN address.opted_out_at
                                      >= coalesce(person.opted_in_at, '-infinity')
                                 THEN address.opted_out_at END), false) AS is_opt_out_told,
       coalesce(link.suppressed_at, address.confirmed_at) AS suppressed_at, link.mobile_sent,
       link.mobile_refused,
       link.acknowledged -> 'filled' AS filled, link.acknowledged -> 'fields' AS base,
       link.acknowledged -> 'preferences' AS base_preferences,
       (SELECT other.person_id
        FROM (SELECT account_id, person_id FROM contact_links
              WHERE email_key = person.email_key AND contact_id IS NOT NULL OFFSET 0) AS other
        WHERE other.account_id = $1 AND other.person_id <> person.id
        LIMIT 1) AS email_holder,
       (SELECT flying.person_id
        FROM (SELECT account_id, person_id FROM import_records
              WHERE email_key = person.email_key OFFSET 0) AS flying
        WHERE flying.account_id = $1 AND flying.person_id <> person.id
        LIMIT 1) AS email_in_flight,
       CASE WHEN person.mobile_number IS NULL THEN NULL ELSE coalesce(
           (SELECT other.person_id
            FROM (SELECT account_id, person_id FROM contact_links
                  WHERE mobile_sent = person.mobile_number OFFSET 0) AS other
            WHERE other.account_id = $1 AND other.person_id <> person.id
            LIMIT 1),
           (SELECT flying.person_id
            FROM (SELECT account_id, person_id FROM import_records
                  WHERE mobile_number = person.mobile_number OFFSET 0) AS flying
            WHERE flying.account_id = $1 AND flying.person_id <> person.id
            LIMIT 1)
       ) END AS mobile_holder,
       other.id AS opted_out_by,
       $5 AND EXISTS (SELECT FROM list_members AS member
                      JOIN lists AS list ON list.id = member.list_id
                      WHERE member.person_id = person.id AND list.account_id = $1
                        AND list.record_state = 'open'
                        AND list.synchronisation_with IS NOT NULL
                        AND member.sync_state <> 'leaving') AS on_a_list,
       CASE WHEN link.contact_id IS NOT NULL
                 AND (person.deleted_at IS NOT NULL OR person.merged_into_id IS NOT NULL) THEN
           (SELECT other.id FROM people AS other
            WHERE other.email_key = link.email_key AND other.id <> person.id
              AND other.deleted_at IS NULL AND other.merged_into_id IS NULL
              AND other.sync_with_mailer
              AND NOT EXISTS (SELECT FROM contact_links AS held
                              WHERE held.account_id = $1 AND held.person_id = other.id
                                AND held.contact_id IS NOT NULL)
              AND NOT EXISTS (SELECT FROM import_records AS flying
                              WHERE flying.account_id = $1 AND flying.person_id = other.id)
              AND (NOT $5 OR EXISTS (SELECT FROM list_members AS member
                      JOIN lists AS list ON list.id = member.list_id
                      WHERE member.person_id = other.id AND list.account_id = $1
                        AND list.record_state = 'open'
                        AND list.synchronisation_with IS NOT NULL
                        AND member.sync_state <> 'leaving'))
            ORDER BY other.id LIMIT 1)
       END AS heir,
       (SELECT json_agg(untold ORDER BY untold.id) FROM (
            SELECT consent.id, consent.text, consent.consented_at, consent.url,
                   consent.ip_address, consent.user_agent
            FROM consents AS consent
            WHERE consent.person_id = person.id
              AND NOT EXISTS (SELECT FROM consents_told AS told
                              WHERE told.consent_id = consent.id AND told.account_id = $1)
            ORDER BY consent.id LIMIT 6) AS untold) AS consents
FROM (SELECT due.person_id, due.reason, due.attempts, due.changed_at
      FROM person_changes AS due
      WHERE due.account_id = $1 AND due.person_id > $2 AND due.next_attempt_at <= $3
        AND (SELECT flying.import_id FROM import_records AS flying
             WHERE flying.account_id = due.account_id
               AND flying.person_id = due.person_id) IS NULL
      ORDER BY due.person_id
      LIMIT $4) AS due
CROSS JOIN LATERAL (SELECT * FROM people WHERE people.id = due.person_id OFFSET 0) AS person
LEFT JOIN LATERAL (SELECT * FROM contact_links
                   WHERE (account_id, person_id) >= ($1, due.person_id)
                     AND (account_id, person_id) <= ($1, due.person_id)
                   OFFSET 0) AS link ON true
LEFT JOIN LATERAL (SELECT opted_out_at, confirmed_at, source, refusal
                   FROM address_opt_outs AS address
                   WHERE address.account_id = $1 AND address.email_key = person.email_key
                   OFFSET 0) AS address ON true
LEFT JOIN LATERAL (SELECT other.id, other.opted_out_at FROM people AS other
                   WHERE other.email_key = person.email_key AND other.id <> person.id
                     AND other.no_email AND other.deleted_at IS NULL
                   ORDER BY other.opted_out_at DESC LIMIT 1) AS other ON true
ORDER BY due.person_id;

-- name: due_opt_outs
-- Linked people up to a person id who must not be mailed and whose contact isn't known to have been
-- suppressed since: they go before everything else. people_opted_out, or the sharing ones by
-- people_email_key.
SELECT due.person_id, person.version, link.contact_id, latest.opted_out_at
FROM person_changes AS due
JOIN people AS person ON person.id = due.person_id
JOIN contact_links AS link
  ON link.account_id = due.account_id AND link.person_id = due.person_id
CROSS JOIN LATERAL (
    SELECT greatest(
        CASE WHEN person.no_email THEN coalesce(person.opted_out_at, '-infinity') END,
        (SELECT max(other.opted_out_at) FROM people AS other
         WHERE other.email_key = person.email_key AND other.no_email
           AND other.deleted_at IS NULL),
        (SELECT address.opted_out_at FROM address_opt_outs AS address
         WHERE address.account_id = $1 AND address.email_key = person.email_key
           AND address.opted_out_at >= coalesce(person.opted_in_at, '-infinity')))
        AS opted_out_at OFFSET 0) AS latest
WHERE due.account_id = $1 AND due.person_id > $2 AND due.person_id <= $6
  AND due.next_attempt_at <= $3
  AND link.contact_id IS NOT NULL
  AND latest.opted_out_at IS NOT NULL
  AND (NOT lower(coalesce(link.account_status, '')) = ANY ($5::text[])
       OR coalesce(greatest(link.opt_out_told,
                            CASE WHEN link.last_read ->> 'contact_id' = link.contact_id::text
                                 THEN (link.last_read ->> 'off_at')::timestamptz END)
                   < latest.opted_out_at, true))
ORDER BY due.person_id
LIMIT $4;

-- name: hold_people
-- Nobody of these is erased meanwhile. Before their changes, for so does whoever erases. people_pkey.
SELECT id FROM people WHERE id = ANY ($1::bigint[]) ORDER BY id FOR KEY SHARE;

-- name: hold_changes
-- The changes of a page, in the order of ids: what is written of some after the others meets nobody
-- the other way round. Primary key of person_changes.
SELECT person_id FROM person_changes
WHERE account_id = $1 AND person_id = ANY ($2::bigint[]) ORDER BY person_id FOR UPDATE;

-- name: hold_back
-- People who need nothing sent: the link says why, and the change is dealt with unless a newer
-- one stands. Who was erased meanwhile is passed over. Primary keys.
WITH given AS (
    SELECT given.*
    FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                $7::timestamptz[])
        AS given (person_id, version, state, reason, detail, changed_at)
    JOIN people AS person ON person.id = given.person_id
    ORDER BY person.id FOR KEY SHARE OF person
), noted AS (
    INSERT INTO contact_links AS link (account_id, person_id, state, reason, reason_detail)
    SELECT $1, person_id, state, reason, detail FROM given
    ON CONFLICT (account_id, person_id) DO UPDATE
        SET state = excluded.state, reason = excluded.reason,
            reason_detail = excluded.reason_detail
        WHERE (link.state, link.reason, link.reason_detail)
              IS DISTINCT FROM (excluded.state, excluded.reason, excluded.reason_detail)
)
DELETE FROM person_changes AS due USING given
WHERE due.account_id = $1 AND due.person_id = given.person_id
  AND due.version <= given.version AND due.changed_at <= given.changed_at;

-- name: try_waiting_sharers
-- Whoever waits for one of these people to leave the email to them, where that one has no contact
-- and gets none now. people_pkey, people_email_key, contact_links_pkey; by id, as everybody writes.
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT DISTINCT ON (sharer.person_id)
       $1::bigint, sharer.person_id, sharer.version, 'sibling', clock_timestamp()
FROM people_with_emails(ARRAY(
    SELECT person.email_key FROM people AS person
    WHERE person.id = ANY ($2::bigint[]) AND person.email_key IS NOT NULL
      AND NOT EXISTS (SELECT FROM contact_links AS held
                      WHERE held.account_id = $1 AND held.person_id = person.id
                        AND held.contact_id IS NOT NULL))) AS sharer
JOIN contact_links AS waiting
  ON waiting.account_id = $1 AND waiting.person_id = sharer.person_id
 AND waiting.reason = 'email_linked_elsewhere'
WHERE sharer.person_id <> ALL ($2::bigint[])
ORDER BY sharer.person_id
ON CONFLICT (account_id, person_id) DO NOTHING;

-- name: settle_unchanged
-- People whose payload is the one that was acknowledged: no call, and nothing due any more. The note
-- says whose number was left out of it.
WITH given AS (
    SELECT person_id, version, state, changed_at, note,
           CASE WHEN note IS NOT NULL THEN 'mobile_number_taken' END AS reason
    FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::text[])
        AS given (person_id, version, state, changed_at, note)
), noted AS (
    UPDATE contact_links AS link
    SET state = given.state, reason = given.reason, reason_detail = given.note
    FROM given
    WHERE link.account_id = $1 AND link.person_id = given.person_id
      AND (link.state <> given.state OR link.reason IS DISTINCT FROM given.reason)
)
DELETE FROM person_changes AS due USING given
WHERE due.account_id = $1 AND due.person_id = given.person_id
  AND due.version <= given.version AND due.changed_at <= given.changed_at;

-- name: note_suppressed
-- Contacts that Dotdigital confirmed as suppressed. The change stays due: the fields follow.
UPDATE contact_links
SET account_status = 'suppressed', last_sent_at = $3, suppressed_at = $3
WHERE account_id = $1 AND contact_id = ANY ($2::bigint[]);

-- name: note_opt_outs_told
-- The same, with the opt-outs that it was told of; who was suppressed already keeps the reason.
-- contact_links_contact.
UPDATE contact_links AS link
SET account_status = CASE WHEN lower(coalesce(link.account_status, '')) = ANY ($5::text[])
                          THEN link.account_status ELSE 'suppressed' END,
    last_sent_at = $3, suppressed_at = $3, opt_out_told = given.opted_out_at
FROM unnest($2::bigint[], $4::timestamptz[]) AS given (contact_id, opted_out_at)
WHERE link.account_id = $1 AND link.contact_id = given.contact_id;

-- name: unlink_contacts
-- Contacts that are gone in Dotdigital: the person is sent again as a new one, and so may be others
-- who have the address. contact_links_contact.
WITH gone AS (
    SELECT account_id, person_id, email_key, mobile_sent FROM contact_links
    WHERE account_id = $1 AND contact_id = ANY ($2::bigint[])
    ORDER BY person_id FOR UPDATE
)
UPDATE contact_links AS link
SET contact_id = NULL, sent_fingerprint = NULL, acknowledged = NULL, email_key = NULL,
    mobile_sent = NULL, account_status = NULL, opt_out_told = NULL, state = 'unlinked'
FROM gone
WHERE link.account_id = gone.account_id AND link.person_id = gone.person_id
RETURNING gone.email_key, gone.mobile_sent;

-- name: generation
-- What payloads are made by: the account's settings and its mappings. Changes of either wait for
-- this lock, and make those due who are linked or in flight by then.
SELECT concat_ws('/', account.version,
                 (SELECT (count(*), sum(version), max(id))::text FROM mappings
                  WHERE account_id = account.id))
FROM accounts AS account WHERE account.id = $1 FOR SHARE OF account;
