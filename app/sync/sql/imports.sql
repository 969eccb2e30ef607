-- name: intend
-- Our intent to import, written before Dotdigital is called.
INSERT INTO imports (account_id, run_id, attempt, kind, status, records)
VALUES ($1, $2, $3, 'people', 'submitting', $4) RETURNING id;

-- name: drop_moved_on
-- Take out who is not as they were read: changed, opted out by somebody with the same address,
-- deleted or erased meanwhile. Erasure waits for this lock, or this finds the person gone.
DELETE FROM import_records AS record
WHERE record.import_id = $1
  AND NOT EXISTS (SELECT FROM person_changes AS due
                  WHERE due.account_id = record.account_id AND due.person_id = record.person_id
                    AND due.changed_at = record.changed_at)
RETURNING record.person_id, record.email_key;

-- name: opened
-- Dotdigital took the import.
UPDATE imports
SET status = 'open', dotdigital_import_id = $2, submitted_at = $3, next_poll_at = $4, records = $5
WHERE id = $1 AND status = 'submitting';

-- name: not_finished
-- A look found it still going.
UPDATE imports SET polls = polls + 1, next_poll_at = $2 WHERE id = $1 AND status = 'open';

-- name: claim_unsettled
-- Lock one import for its end; nobody else settles it meanwhile.
SELECT * FROM imports WHERE id = $1 AND status IN ('submitting', 'open') FOR UPDATE;

-- name: settle
-- The import ended this way.
UPDATE imports
SET status = $2, created = $3, updated = $4, failed = $5, error = $6, finished_at = $7,
    polls = polls + $8
WHERE id = $1;

-- name: open_imports
-- What the monitor watches: open imports that no living run of send_people watches itself.
-- imports_unsettled.
SELECT import.id, import.kind, import.dotdigital_import_id, import.polls, import.next_poll_at
FROM imports AS import
LEFT JOIN runs AS run ON run.id = import.run_id AND run.status IN ('queued', 'running')
WHERE import.account_id = $1 AND import.status = 'open' AND run.id IS NULL
ORDER BY import.next_poll_at NULLS FIRST, import.id;

-- name: left_open
-- Open imports of a run, which an earlier attempt of it submitted. imports_run.
SELECT id, dotdigital_import_id, records, polls, coalesce(next_poll_at, '-infinity') AS next_poll_at
FROM imports WHERE run_id = $1 AND status = 'open' ORDER BY id;

-- name: outcome
-- How an import ended.
SELECT created, updated, failed FROM imports WHERE id = $1;

-- name: run_of_import
-- The run that sent an import, locked, so that two imports that end together both count.
SELECT status, counts FROM runs WHERE id = $1 FOR NO KEY UPDATE;

-- name: bring_run_up_to_date
-- Counts of a run after one of its imports ended.
UPDATE runs
SET counts = $2, status = $3,
    progress_done = least(progress_done + $4, coalesce(progress_total, progress_done + $4))
WHERE id = $1;

-- name: abandoned
-- Imports that were to be submitted by an attempt that is over: whether Dotdigital took them is
-- not known, and sending their people again is safe.
SELECT import.id
FROM imports AS import
LEFT JOIN runs AS run ON run.id = import.run_id
WHERE import.account_id = $1 AND import.status = 'submitting'
  AND (run.id IS NULL OR run.status NOT IN ('queued', 'running') OR run.attempt > import.attempt);

-- name: unwatched
-- Accounts with an import that wants a look and that nobody watches: neither the run that sent it,
-- nor a monitor. imports_unsettled.
SELECT DISTINCT import.account_id
FROM imports AS import
JOIN accounts AS account ON account.id = import.account_id
LEFT JOIN runs AS sender
       ON sender.id = import.run_id AND sender.status IN ('queued', 'running')
WHERE import.status IN ('submitting', 'open') AND sender.id IS NULL
  AND coalesce(import.next_poll_at, '-infinity') <= $1
  AND account.state NOT IN ('paused', 'bad_credentials')
  AND NOT EXISTS (SELECT FROM runs AS monitor
                  WHERE monitor.account_id = import.account_id
                    AND monitor.job = 'monitor_imports'
                    AND monitor.status IN ('queued', 'running'));

-- name: any_unsettled
-- Whether the account has an import in flight at all.
SELECT EXISTS (SELECT FROM imports WHERE account_id = $1 AND status IN ('submitting', 'open'));

-- name: acknowledge
-- Link and acknowledge people in an import whose records Dotdigital said yes to, beside the contact
-- of each; drop their change unless a newer one stands. All by primary keys, the people ascending.
WITH yes AS (
    SELECT record.*, given.reported_id
    FROM unnest($2::bigint[], $3::bigint[]) AS given (person_id, reported_id)
    JOIN import_records AS record
      ON record.account_id = $1 AND record.person_id = given.person_id
), linked AS (
    INSERT INTO contact_links AS link (
        account_id, person_id, contact_id, state, reason, reason_detail, email_key, mobile_sent,
        acknowledged, sent_fingerprint, sent_version, last_sent_at, linked_at)
    SELECT account_id, person_id, reported_id,
           CASE WHEN suppressed THEN 'suppressed' ELSE 'synced' END,
           CASE WHEN note IS NULL THEN NULL ELSE 'mobile_number_taken' END, note, email_key,
           mobile_number, payload, fingerprint, version, $4, $4
    FROM yes
    ON CONFLICT (account_id, person_id) DO UPDATE
        SET contact_id = excluded.contact_id, state = excluded.state, reason = excluded.reason,
            reason_detail = excluded.reason_detail, email_key = excluded.email_key,
            mobile_sent = coalesce(excluded.mobile_sent, link.mobile_sent),
            mobile_refused = CASE WHEN excluded.mobile_sent IS NULL THEN link.mobile_refused END,
            acknowledged = excluded.acknowledged, sent_fingerprint = excluded.sent_fingerprint,
            sent_version = excluded.sent_version, last_sent_at = excluded.last_sent_at,
            linked_at = CASE WHEN link.contact_id = excluded.contact_id THEN link.linked_at
                        ELSE excluded.linked_at END
)
DELETE FROM person_changes AS due USING yes
WHERE due.account_id = $1 AND due.person_id = yes.person_id
  AND due.version <= yes.version AND due.changed_at <= yes.changed_at;

-- name: note_sent
-- People who were sent, and of whom it isn't known whether they are contacts. Primary key.
INSERT INTO contact_links AS link (account_id, person_id, state, last_sent_at)
SELECT $1, person_id, 'pending', $3 FROM unnest($2::bigint[]) AS given (person_id)
WHERE EXISTS (SELECT FROM people WHERE people.id = given.person_id)
ORDER BY person_id
ON CONFLICT (account_id, person_id) DO UPDATE SET last_sent_at = excluded.last_sent_at;

-- name: doubt
-- An import that makes contacts or brings them back may have reached these after an opt-out was told, or
-- reach them yet. Primary key.
UPDATE contact_links SET opt_in_doubt_at = $3
WHERE account_id = $1 AND person_id = ANY ($2::bigint[]);

-- name: returning
-- Whom an import brings back. import_members_import.
SELECT flying.person_id FROM import_members AS flying
JOIN imports AS import ON import.id = flying.import_id AND import.kind = 'resubscription'
WHERE flying.import_id = $1;

-- name: tell_after_all
-- The emails of these, where they are opted out, count as untold. Primary keys.
UPDATE address_opt_outs AS address SET confirmed_at = NULL, refusal = NULL
FROM people AS person
WHERE person.id = ANY ($2::bigint[]) AND address.account_id = $1
  AND address.email_key = person.email_key
  AND address.opted_out_at >= coalesce(person.opted_in_at, '-infinity');

-- name: told_consents
-- The contacts of accepted records have the consents that went along. Primary keys; a consent of an
-- erased person is passed over.
INSERT INTO consents_told (account_id, consent_id)
SELECT $1, consent.id
FROM unnest($2::bigint[]) AS given (person_id)
JOIN import_records AS record
  ON record.account_id = $1 AND record.person_id = given.person_id
 AND record.consent_ids IS NOT NULL
JOIN consents AS consent ON consent.id = ANY (record.consent_ids)
ON CONFLICT DO NOTHING;

-- name: given_up_emails
-- Addresses that accepted records change on their contacts: others may take them now, and one that
-- opted out stays so.
SELECT link.email_key, link.account_status, person.no_email, person.opted_out_at
FROM unnest($2::bigint[]) AS given (person_id)
JOIN import_records AS record
  ON record.account_id = $1 AND record.person_id = given.person_id
JOIN contact_links AS link
  ON link.account_id = $1 AND link.person_id = given.person_id
 AND link.contact_id IS NOT NULL AND link.email_key IS DISTINCT FROM record.email_key
JOIN people AS person ON person.id = link.person_id
WHERE link.email_key IS NOT NULL;

-- name: given_up_numbers
-- Numbers that accepted records take from their contacts, in place of others. Primary keys.
SELECT link.mobile_sent
FROM unnest($2::bigint[]) AS given (person_id)
JOIN import_records AS record
  ON record.account_id = $1 AND record.person_id = given.person_id
JOIN contact_links AS link
  ON link.account_id = $1 AND link.person_id = given.person_id
 AND link.mobile_sent <> record.mobile_number;

-- name: note_refused_numbers
-- Numbers of records that were refused as another contact's, where it can't have been the email: a
-- contact that has it already would have been updated. Primary keys.
UPDATE contact_links AS link SET mobile_refused = record.mobile_number
FROM unnest($2::bigint[]) AS given (person_id)
JOIN import_records AS record
  ON record.account_id = $1 AND record.person_id = given.person_id
WHERE link.account_id = $1 AND link.person_id = given.person_id
  AND record.mobile_number IS NOT NULL
  AND (link.contact_id IS NULL OR link.email_key = record.email_key);

-- name: refused_opt_outs
-- Emails of opted out people that a contact of somebody else seems to have, so that their own
-- contacts did not get them; not those that are kept already. Primary keys.
SELECT person.email_key, person.opted_out_at
FROM unnest($2::bigint[]) AS given (person_id)
JOIN people AS person ON person.id = given.person_id AND person.no_email
JOIN contact_links AS link
  ON link.account_id = $1 AND link.person_id = person.id AND link.contact_id IS NOT NULL
 AND link.email_key IS DISTINCT FROM person.email_key
WHERE person.email_key IS NOT NULL
  AND NOT EXISTS (SELECT FROM address_opt_outs AS kept
                  WHERE kept.account_id = $1 AND kept.email_key = person.email_key
                    AND kept.opted_out_at >= person.opted_out_at AND kept.source <> 'left');

-- name: make_sharers_due
-- Whoever has one of these addresses is looked at again. people_email_key.
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT DISTINCT ON (sharer.person_id)
       $1::bigint, sharer.person_id, sharer.version, 'sibling', clock_timestamp()
FROM people_with_emails($2::text[]) AS sharer
ORDER BY sharer.person_id
ON CONFLICT (account_id, person_id) DO UPDATE SET changed_at = excluded.changed_at;

-- name: make_others_due
-- Whoever else has an email of this import is looked at again; who is in flight is due anyway.
-- import_records_import, people_email_key.
INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
SELECT DISTINCT ON (sharer.person_id)
       $2::bigint, sharer.person_id, sharer.version, 'sibling', clock_timestamp()
FROM people_with_emails(ARRAY(SELECT email_key FROM import_records WHERE import_id = $1)) AS sharer
WHERE NOT EXISTS (SELECT FROM import_records AS flying
                  WHERE flying.account_id = $2 AND flying.person_id = sharer.person_id)
ORDER BY sharer.person_id
ON CONFLICT (account_id, person_id) DO UPDATE SET changed_at = excluded.changed_at;

-- name: any_open_failures
-- Whether the account has a failing person at all. failures_open.
SELECT EXISTS (SELECT FROM failures
               WHERE account_id = $1 AND job = 'send_people' AND subject_type = 'person'
                 AND resolved_at IS NULL);

-- name: any_waiting_members
-- Whether a list of the account waits for contacts. list_members_unsettled.
SELECT EXISTS (SELECT FROM lists AS list
               JOIN list_members AS member
                 ON member.list_id = list.id AND member.sync_state = 'waiting'
               WHERE list.account_id = $1);

-- name: wake_members
-- Members who waited for their contact can be sent. list_members_person.
UPDATE list_members AS member SET sync_state = 'pending', changed_at = $2
FROM unnest($1::bigint[]) AS given (person_id)
WHERE member.person_id = given.person_id AND member.sync_state = 'waiting';

-- name: holders
-- Who is linked to these contacts. contact_links_contact.
SELECT link.contact_id, link.person_id
FROM unnest($2::bigint[]) AS given (contact_id)
JOIN contact_links AS link
  ON link.account_id = $1 AND link.contact_id = given.contact_id;

-- name: records
-- Whom an import holds, ascending. import_records_import.
SELECT person_id, version, changed_at, email_key, contact_id, consent_ids FROM import_records
WHERE import_id = $1 ORDER BY person_id;

-- name: drop_records
-- The import is over: nobody of it is in flight any more.
WITH landed AS (DELETE FROM import_members WHERE import_id = $1)
DELETE FROM import_records WHERE import_id = $1;
