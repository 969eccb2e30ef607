-- name: lists
-- The lists of a run, ascending: open, synchronised ones of the account, or the one that is named.
-- lists_account_id.
SELECT id, name, options, dotdigital_list_id, bound_at, sent_once_at, status_read_at,
       status_swept_at, updated_at
FROM lists
WHERE account_id = $1 AND synchronisation_with = 'dotdigital' AND record_state = 'open'
  AND ($2::bigint IS NULL OR id = $2)
ORDER BY id;

-- name: taken_twins
-- Twins of every list of ours on the same account there, which several of our accounts may share.
SELECT list.id, list.dotdigital_list_id
FROM accounts AS account
JOIN accounts AS sibling ON sibling.dotdigital_account_id = account.dotdigital_account_id
JOIN lists AS list ON list.account_id = sibling.id
WHERE account.id = $1 AND list.dotdigital_list_id IS NOT NULL
ORDER BY list.id;

-- name: note_lists_used
-- How many lists the account has.
UPDATE accounts SET usage = usage || jsonb_build_object('lists_used', $2::int) WHERE id = $1;

-- name: bind
-- The list has this twin, and what that says of its options, from now on, unless somebody changed it
-- meanwhile.
UPDATE lists SET dotdigital_list_id = $3, options = options || $4, bound_at = $5,
       version = version + 1
WHERE id = $1 AND account_id = $2 AND record_state = 'open' AND synchronisation_with IS NOT NULL
  AND (dotdigital_list_id IS NULL OR dotdigital_list_id = $3)
RETURNING id;

-- name: forget_twin
-- The twin is gone: hold the list, and begin without one.
UPDATE lists SET dotdigital_list_id = NULL, bound_at = NULL, status_read_at = NULL,
       status_swept_at = NULL, version = version + 1
WHERE id = $1 AND dotdigital_list_id = $2
RETURNING id;

-- name: drop_leavers
-- Members that were leaving a list which is gone have left.
DELETE FROM list_members WHERE list_id = $1 AND sync_state = 'leaving';

-- name: make_pending
-- Everyone on the list is to be put on it again, and nothing in flight settles that.
UPDATE list_members SET sync_state = 'pending', changed_at = $2
WHERE list_id = $1 AND sync_state NOT IN ('leaving', 'waiting');

-- name: heal_list
-- All failures of a list's members are over: there is another list now.
UPDATE failures SET resolved_at = $3, next_retry_at = NULL
WHERE account_id = $1 AND job = 'send_lists' AND list_id = $2 AND subject_type = 'member'
  AND resolved_at IS NULL;

-- name: begin_one_time
-- Whoever is on these lists by now is sent, once; all of them anew where $3 says so.
UPDATE lists SET sent_once_at = greatest($2, (SELECT max(added_at) FROM list_members
                                              WHERE list_id = lists.id))
WHERE id = ANY ($1::bigint[]) AND (sent_once_at IS NULL OR $3);

-- name: wake_failed
-- Members whose next try has come. failures_open.
UPDATE list_members AS member SET sync_state = 'pending'
FROM failures AS failure
WHERE failure.account_id = $1 AND failure.job = 'send_lists' AND failure.subject_type = 'member'
  AND failure.resolved_at IS NULL AND failure.next_retry_at <= $3
  AND failure.list_id = ANY ($2::bigint[])
  AND member.list_id = failure.list_id AND member.person_id = failure.subject_id
  AND member.sync_state = 'failed';

-- name: hold_unlinked
-- Members whose people are no contacts yet wait for that.
UPDATE list_members AS member SET sync_state = 'waiting'
WHERE member.list_id = $1 AND member.sync_state = 'pending'
  AND NOT EXISTS (SELECT FROM contact_links AS link
                  WHERE link.account_id = $2 AND link.person_id = member.person_id
                    AND link.contact_id IS NOT NULL);

-- name: wake_linked
-- Members whose people have become contacts meanwhile need wait no longer.
UPDATE list_members AS member SET sync_state = 'pending'
WHERE member.list_id = $1 AND member.sync_state = 'waiting'
  AND EXISTS (SELECT FROM contact_links AS link
              WHERE link.account_id = $2 AND link.person_id = member.person_id
                AND link.contact_id IS NOT NULL);

-- name: count_waiting
-- How many members wait for their contact. list_members_unsettled.
SELECT count(*) FROM list_members
WHERE list_id = ANY ($1::bigint[]) AND sync_state = 'waiting';

-- name: queues
-- What each list has to send, by state: how many, and since when the oldest. Of those in $2, sent
-- once, nobody who joined later. list_members_unsettled.
SELECT list.id AS list_id, each.sync_state, queue.count, queue.oldest_at
FROM lists AS list
CROSS JOIN unnest(ARRAY['pending', 'leaving']) AS each (sync_state)
CROSS JOIN LATERAL (
    SELECT count(*) AS count, min(member.changed_at) AS oldest_at
    FROM list_members AS member
    WHERE member.list_id = list.id AND member.sync_state = each.sync_state
      AND member.sync_state <> 'synced'
      AND (list.id <> ALL ($2::bigint[]) OR member.sync_state = 'leaving'
           OR member.added_at <= list.sent_once_at)
      AND NOT EXISTS (SELECT FROM import_members AS flying
                      WHERE flying.list_id = member.list_id
                        AND flying.person_id = member.person_id)
) AS queue
WHERE list.id = ANY ($1::bigint[])
ORDER BY list.id;

-- name: joining
-- Linked members of a list who are to be put on it, after a person id, with all that a decision
-- needs. Whoever is in flight is left out. list_members_unsettled; the rest row by row.
SELECT member.list_id, member.person_id, member.changed_at, member.added_at, member.list_status,
       member.contact_id AS contact_there, link.contact_id, link.email_key, link.account_status,
       person.email, person.no_email, person.opted_out_at, person.opted_in_at,
       coalesce((SELECT true FROM people AS other
                 WHERE other.email_key = person.email_key AND other.id <> person.id
                   AND other.no_email AND other.deleted_at IS NULL
                 LIMIT 1), false) AS shared_opt_out
FROM (SELECT * FROM list_members AS member
      WHERE member.list_id = $1 AND member.sync_state = 'pending' AND member.person_id > $2
        AND member.added_at <= $5
        AND (SELECT flying.import_id FROM import_members AS flying
             WHERE flying.list_id = member.list_id
               AND flying.person_id = member.person_id) IS NULL
      ORDER BY member.person_id
      LIMIT $3) AS member
CROSS JOIN LATERAL (SELECT * FROM people WHERE people.id = member.person_id OFFSET 0) AS person
LEFT JOIN LATERAL (SELECT * FROM contact_links
                   WHERE contact_links.account_id = $4
                     AND contact_links.person_id = member.person_id
                   OFFSET 0) AS link ON true
ORDER BY member.person_id;

-- name: leaving
-- Members who leave a list, after a person id. ``held``: another member is on it by the same
-- contact; ``known``: somebody is linked to the contact that was put there. Whoever is in flight, or
-- waits for the next try, is left out. list_members_unsettled; the rest row by row.
SELECT member.list_id, member.person_id, member.changed_at, member.unsubscribed_at,
       coalesce(member.contact_id, link.contact_id) AS contact_id, link.contact_id AS linked_id,
       link.email_key, person.email, person.no_email, person.opted_out_at, person.opted_in_at,
       person.deleted_at IS NOT NULL AS deleted,
       coalesce((SELECT true FROM people AS other
                 WHERE other.email_key = person.email_key AND other.id <> person.id
                   AND other.no_email AND other.deleted_at IS NULL
                 LIMIT 1),
                (SELECT true FROM address_opt_outs AS address
                 WHERE address.account_id = $4 AND address.email_key = person.email_key
                   AND address.opted_out_at >= coalesce(person.opted_in_at, '-infinity')),
                false) AS shared_opt_out,
       coalesce((SELECT true
                 FROM contact_links AS holder
                 JOIN list_members AS other
                   ON other.list_id = $1 AND other.person_id = holder.person_id
                  AND other.sync_state <> 'leaving'
                 WHERE holder.account_id = $4
                   AND holder.contact_id = coalesce(member.contact_id, link.contact_id)
                   AND holder.person_id <> member.person_id
                 LIMIT 1), false) AS held,
       coalesce((SELECT true FROM contact_links AS holder
                 WHERE holder.account_id = $4 AND holder.contact_id = member.contact_id
                 LIMIT 1), false) AS known
FROM (SELECT * FROM list_members AS member
      WHERE member.list_id = $1 AND member.sync_state = 'leaving' AND member.person_id > $2
        AND (SELECT flying.import_id FROM import_members AS flying
             WHERE flying.list_id = member.list_id
               AND flying.person_id = member.person_id) IS NULL
        AND (SELECT failure.id FROM failures AS failure
             WHERE failure.account_id = $4 AND failure.job = 'send_lists'
               AND failure.subject_type = 'member' AND failure.subject_id = member.person_id
               AND coalesce(failure.list_id, 0) = member.list_id
               AND failure.resolved_at IS NULL
               AND coalesce(failure.next_retry_at, 'infinity') > $5) IS NULL
      ORDER BY member.person_id
      LIMIT $3) AS member
CROSS JOIN LATERAL (SELECT * FROM people WHERE people.id = member.person_id OFFSET 0) AS person
LEFT JOIN LATERAL (SELECT * FROM contact_links
                   WHERE contact_links.account_id = $4
                     AND contact_links.person_id = member.person_id
                   OFFSET 0) AS link ON true
ORDER BY member.person_id;

-- name: held_contacts
-- Which of these contacts are a member's of the list.
SELECT DISTINCT link.contact_id
FROM unnest($3::bigint[]) AS given (contact_id)
JOIN contact_links AS link ON link.account_id = $2 AND link.contact_id = given.contact_id
JOIN list_members AS member
  ON member.list_id = $1 AND member.person_id = link.person_id AND member.sync_state <> 'leaving';

-- name: intend
-- Our intent to move members, written before Dotdigital is called.
INSERT INTO imports (account_id, run_id, attempt, kind, status, records, created_at)
VALUES ($1, $2, $3, $4, 'submitting', $5, $6) RETURNING id;

-- name: drop_moved_on
-- Take out who is not as they were read: left or joined again, or linked to another contact.
DELETE FROM import_members AS flying
WHERE flying.import_id = $1
  AND NOT EXISTS (SELECT FROM list_members AS member
                  WHERE member.list_id = flying.list_id AND member.person_id = flying.person_id
                    AND member.changed_at = flying.changed_at)
RETURNING flying.list_id, flying.person_id;

-- name: drop_opted_out
-- Take out whoever opted out between being read and this, also by an address that is known to be.
-- Whom the import put in doubt is so no longer. Primary keys; people_opted_out.
WITH out AS (
    DELETE FROM import_members AS flying
    USING people AS person, imports AS import
    WHERE flying.import_id = $1 AND person.id = flying.person_id AND import.id = $1
      AND (person.no_email
           OR EXISTS (SELECT FROM people AS other
                      WHERE other.email_key = person.email_key AND other.no_email
                        AND other.deleted_at IS NULL)
           OR EXISTS (SELECT FROM address_opt_outs AS address
                      WHERE address.account_id = import.account_id
                        AND address.email_key = person.email_key
                        AND address.opted_out_at >= coalesce(person.opted_in_at, '-infinity')))
    RETURNING flying.list_id, flying.person_id, import.account_id, import.created_at
), settled AS (
    UPDATE contact_links AS link SET opt_in_doubt_at = NULL
    FROM out
    WHERE link.account_id = out.account_id AND link.person_id = out.person_id
      AND link.opt_in_doubt_at = out.created_at
)
SELECT list_id, person_id FROM out;

-- name: doubt_returning
-- An import is about to bring these back: from its intent on they are in doubt, until its end is
-- known. A doubt that there was before outlasts it, for that call is perhaps on its way still, and is
-- told from this one by being older. Primary keys.
UPDATE contact_links AS link
SET opt_in_doubt_at = CASE
    WHEN link.opt_in_doubt_at IS NULL THEN import.created_at
    ELSE least(link.opt_in_doubt_at, import.created_at - interval '1 microsecond') END
FROM import_members AS flying
JOIN imports AS import ON import.id = flying.import_id
WHERE flying.import_id = $1 AND link.account_id = import.account_id
  AND link.person_id = flying.person_id;

-- name: note_suppressing
-- A suppression audience is about to have these suppressed, at this time by Dotdigital's clock.
-- Whoever moved on since being read is passed over; one that was noted before stays, for the call may
-- have gone through then.
UPDATE list_members AS member SET unsubscribed_at = coalesce(member.unsubscribed_at, $4)
FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS given (list_id, person_id, changed_at)
WHERE member.list_id = given.list_id AND member.person_id = given.person_id
  AND member.sync_state = 'pending' AND member.changed_at = given.changed_at
RETURNING member.list_id, member.person_id;

-- name: leave_at_once
-- These have left before the call is made, for it must not be made twice.
DELETE FROM list_members AS member USING import_members AS flying
WHERE flying.import_id = $1 AND member.list_id = flying.list_id
  AND member.person_id = flying.person_id AND member.sync_state = 'leaving'
  AND member.changed_at = flying.changed_at;

-- name: settle_doubts
-- An import that brings these back has ended: no doubt is left, but of who opted out meanwhile, for
-- that was perhaps told before it came through, and of whom another one brings back; nor does it settle
-- what another call left in doubt. import_members_import, imports_unsettled, and primary keys.
UPDATE contact_links AS link
SET opt_in_doubt_at = CASE WHEN stands.is_out THEN $2::timestamptz END
FROM import_members AS flying
JOIN imports AS import ON import.id = flying.import_id
JOIN people AS person ON person.id = flying.person_id
CROSS JOIN LATERAL (
    SELECT person.no_email
           OR EXISTS (SELECT FROM people AS other
                      WHERE other.email_key = person.email_key AND other.no_email
                        AND other.deleted_at IS NULL)
           OR EXISTS (SELECT FROM address_opt_outs AS address
                      WHERE address.account_id = import.account_id
                        AND address.email_key = person.email_key
                        AND address.opted_out_at >= coalesce(person.opted_in_at, '-infinity'))
           AS is_out OFFSET 0) AS stands
WHERE flying.import_id = $1 AND link.account_id = import.account_id
  AND link.person_id = flying.person_id
  AND (stands.is_out
       OR link.opt_in_doubt_at = import.created_at
          AND NOT EXISTS (SELECT FROM imports AS another
                          JOIN import_members AS aboard ON aboard.import_id = another.id
                          WHERE another.account_id = import.account_id
                            AND another.kind = 'resubscription'
                            AND another.status IN ('submitting', 'open')
                            AND another.id <> import.id AND aboard.person_id = flying.person_id));

-- name: opened
-- Dotdigital took it.
UPDATE imports
SET status = 'open', dotdigital_import_id = $2, submitted_at = $3, next_poll_at = $4, records = $5
WHERE id = $1 AND status = 'submitting';

-- name: flying
-- Whom an import or a removal holds. import_members_import.
SELECT flying.list_id, flying.person_id, flying.contact_id, flying.changed_at,
       list.options
FROM import_members AS flying
LEFT JOIN lists AS list ON list.id = flying.list_id
WHERE flying.import_id = $1
ORDER BY flying.list_id, flying.person_id;

-- name: land
-- These are in flight no longer.
DELETE FROM import_members WHERE import_id = $1;

-- name: joined
-- These are on the list. Whoever left meanwhile is to be taken off again.
UPDATE list_members AS member
SET sync_state = CASE WHEN member.sync_state = 'pending' THEN 'synced' ELSE member.sync_state END,
    contact_id = given.contact_id,
    list_status = coalesce(given.list_status, member.list_status)
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[])
     AS given (list_id, person_id, contact_id, changed_at, list_status)
WHERE member.list_id = given.list_id AND member.person_id = given.person_id
  AND (member.sync_state = 'leaving'
       OR member.sync_state = 'pending' AND member.changed_at = given.changed_at);

-- name: note_account_status
-- What is known of these contacts now; who was synced is suppressed by it, or the other way round.
UPDATE contact_links
SET account_status = $3,
    state = CASE WHEN state = 'synced' AND $3 = 'suppressed' THEN 'suppressed'
                 WHEN state = 'suppressed' AND reason IS NULL AND $3 = 'subscribed' THEN 'synced'
                 ELSE state END
WHERE account_id = $1 AND contact_id = ANY ($2::bigint[]);

-- name: note_member_status
-- What is known of these members' contacts now.
UPDATE list_members AS member SET account_status = $3
FROM unnest($1::bigint[], $2::bigint[]) AS given (list_id, person_id)
WHERE member.list_id = given.list_id AND member.person_id = given.person_id;

-- name: left
-- These have left. Whoever joined again meanwhile is on no list there any more.
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[])
        AS given (list_id, person_id, changed_at)
), back AS (
    UPDATE list_members AS member SET contact_id = NULL
    FROM given
    WHERE member.list_id = given.list_id AND member.person_id = given.person_id
      AND member.sync_state <> 'leaving' AND member.contact_id IS NOT NULL
)
DELETE FROM list_members AS member USING given
WHERE member.list_id = given.list_id AND member.person_id = given.person_id
  AND member.sync_state = 'leaving' AND member.changed_at = given.changed_at;

-- name: challenge
-- A member is about to be challenged to come back to the list; whoever was is passed over.
UPDATE list_members SET list_status = 'pending'
WHERE list_id = $1 AND person_id = $2 AND sync_state = 'pending'
  AND list_status IS DISTINCT FROM 'pending'
RETURNING person_id;

-- name: may_join
-- Which of these contacts somebody is linked to who isn't on the list by it, and so may join it yet.
-- contact_links_contact, and the primary key of list_members.
SELECT link.contact_id
FROM unnest($3::bigint[]) AS given (contact_id)
JOIN contact_links AS link ON link.account_id = $1 AND link.contact_id = given.contact_id
WHERE NOT EXISTS (SELECT FROM list_members AS member
                  WHERE member.list_id = $2 AND member.person_id = link.person_id
                    AND member.contact_id IS NOT NULL);

-- name: may_ask
-- A contact is about to be brought back to a list, and to the account by that: it is in doubt until
-- the answer; a doubt that there was before outlasts it. Not of whoever opted out since it was read.
-- Primary keys.
UPDATE contact_links AS link
SET opt_in_doubt_at = CASE
    WHEN link.opt_in_doubt_at IS NULL THEN $3::timestamptz
    ELSE least(link.opt_in_doubt_at, $3::timestamptz - interval '1 microsecond') END
FROM people AS person
WHERE link.account_id = $1 AND link.person_id = $2 AND person.id = $2 AND NOT person.no_email
  AND NOT EXISTS (SELECT FROM people AS other
                  WHERE other.email_key = person.email_key AND other.no_email
                    AND other.deleted_at IS NULL)
  AND NOT EXISTS (SELECT FROM address_opt_outs AS address
                  WHERE address.account_id = $1 AND address.email_key = person.email_key
                    AND address.opted_out_at >= coalesce(person.opted_in_at, '-infinity'))
RETURNING link.person_id;

-- name: note_list_status
-- How a member's contact stands in the list.
UPDATE list_members SET list_status = $3, account_status = coalesce($4, account_status)
WHERE list_id = $1 AND person_id = $2;

-- name: goes_by_import
-- This member can't be added by itself: the next import takes it.
UPDATE list_members SET contact_id = $4, account_status = $5
WHERE list_id = $1 AND person_id = $2 AND sync_state = 'pending' AND changed_at = $3;

-- name: on_another_audience
-- Who of these is on another open suppression audience of the account, and so stays unsubscribed.
SELECT DISTINCT member.person_id
FROM unnest($3::bigint[]) AS given (person_id)
JOIN list_members AS member ON member.person_id = given.person_id
JOIN lists AS list ON list.id = member.list_id
WHERE list.account_id = $1 AND list.id <> $2 AND list.options @> '{"entry_action": "unsubscribe"}'
  AND list.synchronisation_with IS NOT NULL AND list.record_state = 'open'
  AND member.sync_state <> 'leaving';

-- name: write_statuses
-- What a page of contacts says, onto the members linked to them. contact_links_contact.
UPDATE list_members AS member
SET account_status = given.account_status, list_status = given.list_status
FROM unnest($3::bigint[], $4::text[], $5::text[]) AS given (contact_id, account_status, list_status)
JOIN contact_links AS link ON link.account_id = $1 AND link.contact_id = given.contact_id
WHERE member.list_id = $2 AND member.person_id = link.person_id
  AND (member.account_status, member.list_status)
      IS DISTINCT FROM (given.account_status, given.list_status);

-- name: synced_page
-- Members that ought to be on the list there, after a person id. Primary key of list_members.
SELECT member.person_id, member.list_status, link.contact_id
FROM (SELECT person_id, list_status FROM list_members
      WHERE list_id = $1 AND person_id > $2 AND sync_state = 'synced'
      ORDER BY person_id LIMIT $3) AS member
LEFT JOIN contact_links AS link
       ON link.account_id = $4 AND link.person_id = member.person_id
ORDER BY member.person_id;

-- name: note_absent
-- Members whose contacts are not on the list there: somebody took them off, or deleted them.
UPDATE list_members SET list_status = 'absent', account_status = NULL
WHERE list_id = $1 AND person_id = ANY ($2::bigint[]) AND sync_state = 'synced';

-- name: statuses_read
-- When the list's statuses were read, and when all of them were.
UPDATE lists SET status_read_at = $2, status_swept_at = coalesce($3, status_swept_at)
WHERE id = $1;

-- name: member_attempts
-- How often these members were tried without success. failures_open.
SELECT failure.list_id, failure.subject_id, failure.attempts
FROM unnest($2::bigint[], $3::bigint[]) AS given (list_id, person_id)
JOIN failures AS failure
  ON failure.account_id = $1 AND failure.job = 'send_lists' AND failure.subject_type = 'member'
 AND failure.subject_id = given.person_id AND coalesce(failure.list_id, 0) = given.list_id
 AND failure.resolved_at IS NULL;

-- name: record_members
-- Keep each failing member with its reason. Whoever leaves goes on leaving, whoever changed
-- meanwhile is tried at once.
WITH given AS (
    SELECT given.*
    FROM unnest($2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[],
                $7::timestamptz[])
         AS given (list_id, person_id, changed_at, code, message, next_attempt_at)
    JOIN list_members AS member
      ON member.list_id = given.list_id AND member.person_id = given.person_id
), kept AS (
    INSERT INTO failures AS failure (
        account_id, job, subject_type, subject_id, list_id, run_id, code, message, first_seen_at,
        last_seen_at, next_retry_at)
    SELECT $1, 'send_lists', 'member', person_id, list_id, $8, code, message, $9, $9,
           next_attempt_at
    FROM given
    ON CONFLICT (account_id, job, subject_type, subject_id, coalesce(list_id, 0))
        WHERE resolved_at IS NULL
    DO UPDATE SET code = excluded.code, message = excluded.message, run_id = excluded.run_id,
                  attempts = failure.attempts + 1, last_seen_at = excluded.last_seen_at,
                  next_retry_at = excluded.next_retry_at
)
UPDATE list_members AS member SET sync_state = 'failed'
FROM given
WHERE member.list_id = given.list_id AND member.person_id = given.person_id
  AND member.sync_state = 'pending' AND member.changed_at = given.changed_at;

-- name: heal_members
-- These members stand well again, or are gone: their failures are over. failures_open.
UPDATE failures AS failure SET resolved_at = $4, next_retry_at = NULL
FROM unnest($2::bigint[], $3::bigint[]) AS given (list_id, person_id)
WHERE failure.account_id = $1 AND failure.job = 'send_lists' AND failure.subject_type = 'member'
  AND failure.subject_id = given.person_id AND coalesce(failure.list_id, 0) = given.list_id
  AND failure.resolved_at IS NULL;

-- name: heal_departed
-- Members that are gone, and lists that send nothing any more, fail no longer. failures_open.
UPDATE failures AS failure SET resolved_at = $2, next_retry_at = NULL
WHERE failure.account_id = $1 AND failure.job = 'send_lists' AND failure.resolved_at IS NULL
  AND CASE failure.subject_type
      WHEN 'member' THEN NOT EXISTS (SELECT FROM list_members AS member
                                     WHERE member.list_id = failure.list_id
                                       AND member.person_id = failure.subject_id)
      WHEN 'list' THEN NOT EXISTS (SELECT FROM lists AS list
                                   WHERE list.id = failure.subject_id
                                     AND list.account_id = failure.account_id
                                     AND list.synchronisation_with IS NOT NULL
                                     AND list.record_state = 'open')
      ELSE false END;

-- name: list_failures
-- Lists of the account that fail, and when each is tried again. failures_open.
SELECT subject_id AS list_id, attempts, code, message, last_seen_at, next_retry_at
FROM failures
WHERE account_id = $1 AND job = 'send_lists' AND subject_type = 'list' AND resolved_at IS NULL;

-- name: record_list
-- Keep a failing list with its reason.
INSERT INTO failures AS failure (
    account_id, job, subject_type, subject_id, list_id, run_id, code, message, first_seen_at,
    last_seen_at, next_retry_at)
SELECT $1, 'send_lists', 'list', id, id, $3, $4, $5, $6, $6, $7 FROM lists WHERE id = $2
ON CONFLICT (account_id, job, subject_type, subject_id, coalesce(list_id, 0))
    WHERE resolved_at IS NULL
DO UPDATE SET code = excluded.code, message = excluded.message, run_id = excluded.run_id,
              attempts = failure.attempts + 1, last_seen_at = excluded.last_seen_at,
              next_retry_at = excluded.next_retry_at;

-- name: heal_lists
-- These lists stand well.
UPDATE failures SET resolved_at = $3, next_retry_at = NULL
WHERE account_id = $1 AND job = 'send_lists' AND subject_type = 'list'
  AND subject_id = ANY ($2::bigint[]) AND resolved_at IS NULL;

-- name: credit_run
-- Add how an import ended to the run that sent it and has ended, or lives elsewhere.
UPDATE runs
SET counts = counts || $2::jsonb,
    status = CASE WHEN status = 'succeeded' AND $3 THEN 'partial' ELSE status END,
    progress_done = least(progress_done + $4, coalesce(progress_total, progress_done + $4))
WHERE id = $1;

-- name: held_long_enough
-- Accounts whose last run of send_lists held members back until a time that has come. runs_latest.
SELECT job.account_id
FROM jobs AS job
JOIN accounts AS account ON account.id = job.account_id
CROSS JOIN LATERAL (SELECT status, checkpoint FROM runs
                    WHERE runs.account_id = job.account_id AND runs.job = 'send_lists'
                    ORDER BY id DESC LIMIT 1) AS latest
WHERE job.job = 'send_lists' AND job.enabled AND account.state NOT IN ('paused', 'bad_credentials')
  AND latest.status IN ('succeeded', 'partial')
  AND (latest.checkpoint ->> 'held_until')::timestamptz <= $1;

-- name: full_enough
-- Accounts with members who make a full batch ($1, where the account says nothing else): those who
-- join, of all lists together, or those who leave one. Not before somebody came since the last run,
-- which saw the others; nor where that one failed, or what it sent is still open. So many entries of
-- list_members_unsettled at most are looked at; runs_latest, imports_unsettled, failures_open.
WITH synced AS NOT MATERIALIZED (
    SELECT list.id, list.account_id FROM lists AS list
    WHERE list.synchronisation_with IS NOT NULL AND list.record_state = 'open'
      AND (list.sent_once_at IS NULL
           OR coalesce(list.options ->> 'sync_mode', 'continuous') = 'continuous')
      AND NOT EXISTS (SELECT FROM failures AS failure
                      WHERE failure.account_id = list.account_id AND failure.job = 'send_lists'
                        AND failure.subject_type = 'list' AND failure.subject_id = list.id
                        AND failure.resolved_at IS NULL)
)
SELECT job.account_id
FROM jobs AS job
JOIN accounts AS account ON account.id = job.account_id
LEFT JOIN LATERAL (SELECT status, started_at FROM runs
                   WHERE runs.account_id = job.account_id AND runs.job = 'send_lists'
                   ORDER BY id DESC LIMIT 1) AS latest ON true
CROSS JOIN LATERAL (
    SELECT coalesce((account.settings ->> 'list_batch_size')::bigint, $1::bigint) AS full
) AS size
WHERE job.job = 'send_lists' AND job.enabled AND account.state NOT IN ('paused', 'bad_credentials')
  AND coalesce(latest.status IN ('succeeded', 'partial'), true)
  AND NOT EXISTS (SELECT FROM imports
                  WHERE imports.account_id = job.account_id AND imports.kind <> 'people'
                    AND imports.status IN ('submitting', 'open'))
  AND EXISTS (
      SELECT FROM (
          SELECT 0 AS list_id, count(*) AS members, max(changed_at) AS latest_at
          FROM (SELECT member.changed_at
                FROM synced AS list
                JOIN list_members AS member
                  ON member.list_id = list.id AND member.sync_state = 'pending'
                 AND member.sync_state <> 'synced'
                WHERE list.account_id = job.account_id
                LIMIT (SELECT size.full)) AS joining
          UNION ALL
          SELECT list.id, leaving.members, leaving.latest_at
          FROM synced AS list
          CROSS JOIN LATERAL (
              SELECT count(*) AS members, max(changed_at) AS latest_at
              FROM (SELECT member.changed_at FROM list_members AS member
                    WHERE member.list_id = list.id AND member.sync_state = 'leaving'
                      AND member.sync_state <> 'synced'
                    LIMIT (SELECT size.full)) AS one) AS leaving
          WHERE list.account_id = job.account_id) AS queue
      WHERE queue.members >= size.full
        AND queue.latest_at > coalesce(latest.started_at, '-infinity'));

-- name: own_open
-- What an earlier attempt of this run sent that has not ended. imports_run.
SELECT id, kind, dotdigital_import_id, records, polls, next_poll_at FROM imports
WHERE run_id = $1 AND status = 'open' ORDER BY id;

-- name: outlook
-- What a run would do with one list's members: join, leave, wait. By the primary keys.
SELECT count(*) FILTER (WHERE link.contact_id IS NOT NULL
                          AND (member.sync_state IN ('pending', 'waiting')
                               OR $4 AND member.sync_state IN ('synced', 'failed'))
                          AND member.added_at <= $3) AS joining,
       count(*) FILTER (WHERE member.sync_state = 'leaving') AS leaving,
       count(*) FILTER (WHERE link.contact_id IS NULL
                          AND member.sync_state NOT IN ('leaving', 'synced')) AS waiting
FROM list_members AS member
LEFT JOIN contact_links AS link
       ON link.account_id = $2 AND link.person_id = member.person_id
WHERE member.list_id = $1 AND ($4 OR member.sync_state <> 'synced');
