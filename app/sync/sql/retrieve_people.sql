-- name: snapshot
-- What has been committed by now. A page that is asked for after this may be older than what is
-- committed later.
SELECT pg_current_snapshot()::text;

-- name: retrieves
-- Whether a run of retrieve_people is at work. runs_one_active.
SELECT EXISTS (SELECT FROM runs
               WHERE account_id = $1 AND job = 'retrieve_people' AND status = 'running'
                 AND mode <> 'dry_run');

-- name: holders
-- The people who are linked to these contacts, with all that a decision needs. ``is_settled``: the
-- link was not written since the snapshot, held against it by the whole number of the transaction
-- that wrote it. contact_links_contact, people_pkey; see send_people's due_people for why each
-- look-up is made row by row.
WITH latest AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid)
SELECT given.contact_id AS asked_for,
       person.id AS person_id, person.version, person.kind, person.email, person.email_key,
       person.mobile_number, person.first_name, person.last_name, person.title,
       person.job_title, person.organisation, person.address_line_1, person.address_line_2,
       person.city, person.county, person.state, person.postcode, person.country,
       person.custom, person.external_ref, person.sync_with_mailer, person.no_email,
       person.email_undeliverable, person.opted_out_at, person.opted_in_at,
       person.created_at, person.updated_at,
       CASE WHEN person.merged_into_id IS NULL THEN person.deleted_at
            ELSE coalesce(person.deleted_at, person.updated_at) END AS gone_at,
       link.contact_id AS linked_to, link.email_key AS email_sent, link.account_status,
       link.suppressed_at, link.opt_in_asked, link.opt_in_doubt_at, link.mobile_sent,
       link.mobile_refused,
       link.acknowledged, link.last_read, link.sent_fingerprint, link.state AS link_state,
       link.is_settled,
       (SELECT flying.payload FROM import_records AS flying
        WHERE flying.account_id = $1 AND flying.person_id = person.id) AS in_flight,
       EXISTS (SELECT FROM person_changes AS due
               WHERE due.account_id = $1 AND due.person_id = person.id) AS is_due,
       CASE WHEN person.mobile_number IS NULL THEN NULL ELSE
           (SELECT other.person_id FROM contact_links AS other
            WHERE other.account_id = $1 AND other.mobile_sent = person.mobile_number
              AND other.person_id <> person.id
            LIMIT 1)
       END AS mobile_holder
FROM unnest($2::bigint[]) AS given (contact_id)
CROSS JOIN LATERAL (
    SELECT kept.*, pg_visible_in_snapshot(
        (latest.xid - ((latest.xid - kept.xmin::text::bigint) & 4294967295))::text::xid8,
        $3::text::pg_snapshot) AS is_settled
    FROM contact_links AS kept, latest
    WHERE kept.account_id = $1 AND kept.contact_id = given.contact_id OFFSET 0) AS link
CROSS JOIN LATERAL (SELECT * FROM people WHERE people.id = link.person_id OFFSET 0) AS person;

-- name: bearers
-- Everybody who has one of these emails, the deleted ones too, ascending. people_email_key.
WITH latest AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid)
SELECT given.email AS asked_for,
       person.id AS person_id, person.version, person.kind, person.email, person.email_key,
       person.mobile_number, person.first_name, person.last_name, person.title,
       person.job_title, person.organisation, person.address_line_1, person.address_line_2,
       person.city, person.county, person.state, person.postcode, person.country,
       person.custom, person.external_ref, person.sync_with_mailer, person.no_email,
       person.email_undeliverable, person.opted_out_at, person.opted_in_at,
       person.created_at, person.updated_at,
       CASE WHEN person.merged_into_id IS NULL THEN person.deleted_at
            ELSE coalesce(person.deleted_at, person.updated_at) END AS gone_at,
       link.contact_id AS linked_to, link.email_key AS email_sent, link.account_status,
       link.suppressed_at, link.opt_in_asked, link.mobile_sent, link.mobile_refused,
       link.acknowledged,
       link.last_read, link.sent_fingerprint, link.state AS link_state,
       link.is_settled,
       (SELECT flying.payload FROM import_records AS flying
        WHERE flying.account_id = $1 AND flying.person_id = person.id) AS in_flight,
       EXISTS (SELECT FROM person_changes AS due
               WHERE due.account_id = $1 AND due.person_id = person.id) AS is_due,
       CASE WHEN person.mobile_number IS NULL THEN NULL ELSE
           (SELECT other.person_id FROM contact_links AS other
            WHERE other.account_id = $1 AND other.mobile_sent = person.mobile_number
              AND other.person_id <> person.id
            LIMIT 1)
       END AS mobile_holder
FROM unnest($2::text[]) AS given (email)
CROSS JOIN LATERAL (SELECT * FROM people
                    WHERE people.email_key = nullif(lower(btrim(given.email)), '')
                    OFFSET 0) AS person
LEFT JOIN LATERAL (
    SELECT kept.*, pg_visible_in_snapshot(
        (latest.xid - ((latest.xid - kept.xmin::text::bigint) & 4294967295))::text::xid8,
        $3::text::pg_snapshot) AS is_settled
    FROM contact_links AS kept, latest
    WHERE kept.account_id = $1 AND kept.person_id = person.id OFFSET 0) AS link ON true
ORDER BY person.id;

-- name: kept
-- Those of these emails that the account keeps off mail. Primary key of address_opt_outs.
SELECT given.email AS asked_for, address.opted_out_at, address.confirmed_at
FROM unnest($2::text[]) AS given (email)
JOIN address_opt_outs AS address
  ON address.account_id = $1 AND address.email_key = nullif(lower(btrim(given.email)), '');

-- name: hold_people
-- In the order of ids, as everybody holds them. people_pkey.
SELECT id FROM people WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE;

-- name: hold_links
-- Behind their people. Primary key of contact_links.
SELECT person_id FROM contact_links
WHERE account_id = $1 AND person_id = ANY ($2::bigint[]) ORDER BY person_id FOR UPDATE;

-- name: making_people
-- Whoever makes people of contacts looks first who is there, one account after the other.
SELECT pg_advisory_xact_lock(hashtext('dotsync.making_people'));

-- name: change_people
-- Set what is given of each of these people. people_pkey.
UPDATE people AS person SET
    email = CASE WHEN given.changes ? 'email' THEN given.changes ->> 'email'
                 ELSE person.email END,
    first_name = CASE WHEN given.changes ? 'first_name' THEN given.changes ->> 'first_name'
                 ELSE person.first_name END,
    last_name = CASE WHEN given.changes ? 'last_name' THEN given.changes ->> 'last_name'
                 ELSE person.last_name END,
    title = CASE WHEN given.changes ? 'title' THEN given.changes ->> 'title'
                 ELSE person.title END,
    job_title = CASE WHEN given.changes ? 'job_title' THEN given.changes ->> 'job_title'
                 ELSE person.job_title END,
    organisation = CASE WHEN given.changes ? 'organisation' THEN given.changes ->> 'organisation'
                 ELSE person.organisation END,
    address_line_1 = CASE WHEN given.changes ? 'address_line_1' THEN given.changes ->> 'address_line_1'
                 ELSE person.address_line_1 END,
    address_line_2 = CASE WHEN given.changes ? 'address_line_2' THEN given.changes ->> 'address_line_2'
                 ELSE person.address_line_2 END,
    city = CASE WHEN given.changes ? 'city' THEN given.changes ->> 'city'
                 ELSE person.city END,
    county = CASE WHEN given.changes ? 'county' THEN given.changes ->> 'county'
                 ELSE person.county END,
    state = CASE WHEN given.changes ? 'state' THEN given.changes ->> 'state'
                 ELSE person.state END,
    postcode = CASE WHEN given.changes ? 'postcode' THEN given.changes ->> 'postcode'
                 ELSE person.postcode END,
    country = CASE WHEN given.changes ? 'country' THEN given.changes ->> 'country'
                 ELSE person.country END,
    opt_out_reason = CASE WHEN given.changes ? 'opt_out_reason' THEN given.changes ->> 'opt_out_reason'
                 ELSE person.opt_out_reason END,
    custom = CASE WHEN given.changes ? 'custom' THEN given.changes -> 'custom'
                 ELSE person.custom END,
    no_email = CASE WHEN given.changes ? 'no_email' THEN (given.changes ->> 'no_email')::boolean
                 ELSE person.no_email END,
    email_undeliverable = CASE WHEN given.changes ? 'email_undeliverable' THEN (given.changes ->> 'email_undeliverable')::boolean
                 ELSE person.email_undeliverable END,
    opted_out_at = CASE WHEN given.changes ? 'opted_out_at' THEN (given.changes ->> 'opted_out_at')::timestamptz
                 ELSE person.opted_out_at END,
    opted_in_at = CASE WHEN given.changes ? 'opted_in_at' THEN (given.changes ->> 'opted_in_at')::timestamptz
                 ELSE person.opted_in_at END
FROM unnest($1::bigint[], $2::jsonb[]) AS given (id, changes)
WHERE person.id = given.id;

-- name: new_ids
SELECT array_agg(nextval(pg_get_serial_sequence('people', 'id')))
FROM generate_series(1, $1::bigint);

-- name: make_people
-- People of contacts that nobody here had.
INSERT INTO people (id, kind, email, mobile_number, first_name, last_name, title, job_title, organisation, address_line_1, address_line_2, city, county, state, postcode, country, custom,
                    no_email, opted_out_at, opt_out_reason, email_undeliverable)
SELECT given.id, made.kind, made.email, made.mobile_number, made.first_name, made.last_name, made.title, made.job_title, made.organisation, made.address_line_1, made.address_line_2, made.city, made.county, made.state, made.postcode, made.country,
       coalesce(made.custom, '{}'), coalesce(made.no_email, false), made.opted_out_at,
       made.opt_out_reason, coalesce(made.email_undeliverable, false)
FROM unnest($1::bigint[], $2::jsonb[]) AS given (id, columns)
CROSS JOIN LATERAL jsonb_populate_record(NULL::people, given.columns) AS made;

-- name: link_people
-- People who get a contact. Primary key of contact_links; the people ascending.
INSERT INTO contact_links AS link (
    account_id, person_id, contact_id, email_key, mobile_sent, account_status, acknowledged,
    last_read, sent_fingerprint, state, opt_in_asked, linked_at)
SELECT $1, person_id, contact_id, nullif(lower(btrim(email)), ''), mobile_sent, account_status,
       acknowledged, last_read, sent_fingerprint, state, opt_in_asked, $12
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::json[],
            $8::json[], $9::bytea[], $10::text[], $11::timestamptz[])
    AS given (person_id, contact_id, email, mobile_sent, account_status, acknowledged, last_read,
              sent_fingerprint, state, opt_in_asked)
ORDER BY person_id
ON CONFLICT (account_id, person_id) DO UPDATE
    SET contact_id = excluded.contact_id, email_key = excluded.email_key,
        mobile_sent = excluded.mobile_sent, mobile_refused = NULL,
        account_status = excluded.account_status,
        acknowledged = excluded.acknowledged, last_read = excluded.last_read,
        sent_fingerprint = excluded.sent_fingerprint, sent_version = NULL,
        state = excluded.state, reason = NULL, reason_detail = NULL, suppressed_at = NULL,
        opt_in_asked = excluded.opt_in_asked, linked_at = excluded.linked_at;

-- name: update_links
-- What is known of contacts now. Primary key of contact_links.
UPDATE contact_links AS link
SET email_key = coalesce(nullif(lower(btrim(given.email)), ''), link.email_key),
    mobile_sent = coalesce(given.mobile_sent, link.mobile_sent),
    account_status = given.account_status, acknowledged = given.acknowledged,
    last_read = given.last_read, sent_fingerprint = given.sent_fingerprint,
    state = coalesce(given.state, link.state),
    reason = CASE WHEN given.state IS NULL OR link.reason = 'mobile_number_taken'
                  THEN link.reason END,
    reason_detail = CASE WHEN given.state IS NULL OR link.reason = 'mobile_number_taken'
                         THEN link.reason_detail END,
    opt_in_asked = given.opt_in_asked
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::json[], $7::json[], $8::bytea[],
            $9::text[], $10::timestamptz[])
    AS given (person_id, email, mobile_sent, account_status, acknowledged, last_read,
              sent_fingerprint, state, opt_in_asked)
WHERE link.account_id = $1 AND link.person_id = given.person_id;

-- name: note_status
-- Contacts that are off there: the status, and since when. Primary key of contact_links.
UPDATE contact_links AS link
SET account_status = given.account_status,
    state = CASE WHEN given.account_status IS NULL
                      OR link.state NOT IN ('synced', 'pending', 'unlinked') THEN link.state
                 ELSE 'suppressed' END,
    last_read = (coalesce(CASE WHEN link.last_read ->> 'contact_id' = link.contact_id::text
                               THEN link.last_read::jsonb END,
                          jsonb_build_object('contact_id', link.contact_id))
                 || jsonb_build_object('off_at', given.off_at))::json
FROM unnest($2::bigint[], $3::text[], $4::text[]) AS given (person_id, account_status, off_at)
WHERE link.account_id = $1 AND link.person_id = given.person_id;

-- name: unlink_gone
-- Contacts that are gone in Dotdigital. Nobody is sent again by that. contact_links_contact.
WITH gone AS (
    SELECT account_id, person_id, email_key, mobile_sent FROM contact_links
    WHERE account_id = $1 AND contact_id = ANY ($2::bigint[])
    ORDER BY person_id FOR UPDATE
)
UPDATE contact_links AS link
SET contact_id = NULL, sent_fingerprint = NULL, acknowledged = NULL, last_read = NULL,
    email_key = NULL, mobile_sent = NULL, account_status = NULL, suppressed_at = NULL,
    opt_in_asked = NULL, state = 'unlinked', reason = NULL, reason_detail = NULL
FROM gone
WHERE link.account_id = gone.account_id AND link.person_id = gone.person_id
RETURNING gone.person_id, gone.email_key, gone.mobile_sent;

-- name: linked_between
-- Contacts after one id and up to another that people are linked to. contact_links_contact.
SELECT contact_id FROM contact_links
WHERE account_id = $1 AND contact_id > $2 AND contact_id <= $3
ORDER BY contact_id;

-- name: lift
-- Addresses that are mailed again by a later wish of who has them. Primary key.
DELETE FROM address_opt_outs AS address
USING unnest($2::text[], $3::timestamptz[]) AS given (email, opted_in_at)
WHERE address.account_id = $1 AND address.email_key = nullif(lower(btrim(given.email)), '')
  AND (given.opted_in_at IS NULL OR address.opted_out_at < given.opted_in_at);

-- name: make_due
-- People for whom Dotdigital is still to be told something. Primary keys.
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT $1, person.id, person.version, 'changed', clock_timestamp()
FROM people AS person WHERE person.id = ANY ($2::bigint[])
ORDER BY person.id
ON CONFLICT (account_id, person_id) DO UPDATE
    SET version = excluded.version, changed_at = excluded.changed_at, attempts = 0,
        next_attempt_at = '-infinity';

-- name: mark_changed
-- Of those who are due already: what a send that began earlier has of them is not what stands.
UPDATE person_changes AS due SET version = person.version, changed_at = clock_timestamp()
FROM people AS person
WHERE due.account_id = $1 AND due.person_id = ANY ($2::bigint[]) AND person.id = due.person_id;

-- name: record_conflicts
INSERT INTO conflicts (account_id, person_id, mapping_id, dotdigital_field, base, ours, theirs,
                       conflict_rule, winner, at)
SELECT $1, given.person_id, mapping.id, given.name, given.base, given.ours, given.theirs,
       given.rule, given.winner, $10
FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::jsonb[], $6::jsonb[], $7::jsonb[],
            $8::text[], $9::text[])
    AS given (person_id, mapping_id, name, base, ours, theirs, rule, winner)
LEFT JOIN LATERAL (SELECT id FROM mappings WHERE mappings.id = given.mapping_id OFFSET 0)
       AS mapping ON true;
