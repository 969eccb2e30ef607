-- name: state
-- How far this account's activities were matched, and whether every link that was changed since
-- they began to be read is in the queue.
SELECT matched_up_to,
       coalesce(queued_from_xid
                <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint, false) AS is_queued
FROM activity_matching WHERE account_id = $1;

-- name: count_queued
-- Links and emails that changed, up to a number.
SELECT count(*) FROM (SELECT FROM activity_rematches WHERE account_id = $1 LIMIT $2) AS queued;

-- name: count_orphans
-- Activities without a person, behind an id. online_activities_orphans.
SELECT count(*) FROM online_activities
WHERE account_id = $1 AND person_id IS NULL AND id > $2;

-- name: count_matchable
-- How many of them have a person by now.
SELECT count(*) FROM online_activities AS activity
WHERE activity.account_id = $1 AND activity.person_id IS NULL AND activity.id > $2
  AND (EXISTS (SELECT FROM contact_links AS link
               WHERE link.account_id = $1 AND link.contact_id = activity.contact_id)
       OR EXISTS (SELECT FROM people AS person
                  WHERE person.email_key = lower(activity.email) AND person.deleted_at IS NULL));

-- name: begin_again
-- Look at every orphan again; the queue's reasons are among theirs.
WITH emptied AS (DELETE FROM activity_rematches WHERE account_id = $1 AND merged_id IS NULL)
UPDATE activity_matching SET matched_up_to = 0 WHERE account_id = $1;

-- name: overgrown
-- Accounts whose queue is longer than it should ever be.
SELECT account_id FROM activity_matching AS matching
WHERE (SELECT count(*) FROM (
           SELECT FROM activity_rematches AS queued
           WHERE queued.account_id = matching.account_id LIMIT $1 + 1) AS queued) > $1;

-- name: newest_orphan
-- Where the pass over orphans ends. online_activities_orphans.
SELECT coalesce(max(id), 0) FROM online_activities WHERE account_id = $1 AND person_id IS NULL;

-- name: slice
-- The orphans of one transaction: how many, and the last one's id. online_activities_orphans.
SELECT count(*) AS count, max(id) AS up_to
FROM (SELECT id FROM online_activities
      WHERE account_id = $1 AND person_id IS NULL AND id > $2 AND id <= $3
      ORDER BY id LIMIT $4) AS slice;

-- name: match_contacts
-- The slice's orphans whose contact somebody is linked to. They come first whatever statistics say:
-- a slice is small, links may be many. online_activities_orphans, contact_links_contact,
-- people_pkey, online_activities_pkey.
WITH orphan AS MATERIALIZED (
    SELECT occurred_at, id, contact_id FROM online_activities
    WHERE account_id = $1 AND person_id IS NULL AND id > $2 AND id <= $3
), found AS MATERIALIZED (
    SELECT orphan.occurred_at, orphan.id, linked.person_id
    FROM orphan CROSS JOIN LATERAL (
        SELECT coalesce(person.merged_into_id, person.id) AS person_id
        FROM contact_links AS link JOIN people AS person ON person.id = link.person_id
        WHERE link.account_id = $1 AND link.contact_id = orphan.contact_id
        LIMIT 1
    ) AS linked
)
UPDATE online_activities AS activity
SET person_id = found.person_id, matched_by = 'contact'
FROM found
WHERE activity.occurred_at = found.occurred_at AND activity.id = found.id
  AND activity.person_id IS NULL;

-- name: emails_known
-- The emails of a slice that somebody has, with whom: whoever is linked in the account comes
-- first, then who is here longest. online_activities_orphans, people_email_key.
SELECT DISTINCT ON (person.email_key) person.email_key, person.id AS person_id
FROM (SELECT DISTINCT lower(email) AS email_key FROM online_activities
      WHERE account_id = $1 AND person_id IS NULL AND id > $2 AND id <= $3
        AND email IS NOT NULL) AS orphaned
JOIN people AS person ON person.email_key = orphaned.email_key AND person.deleted_at IS NULL
LEFT JOIN contact_links AS link ON link.account_id = $1 AND link.person_id = person.id
ORDER BY person.email_key, link.contact_id IS NULL, person.id;

-- name: match_emails
-- Orphans with these emails, found email by email. online_activities_orphans_email,
-- online_activities_pkey.
WITH found AS MATERIALIZED (
    SELECT orphan.occurred_at, orphan.id, known.person_id
    FROM unnest($2::text[], $3::bigint[]) AS known (email_key, person_id)
    CROSS JOIN LATERAL (
        SELECT occurred_at, id FROM online_activities
        WHERE account_id = $1 AND person_id IS NULL AND lower(email) = known.email_key
        OFFSET 0
    ) AS orphan
)
UPDATE online_activities AS activity
SET person_id = found.person_id, matched_by = 'email'
FROM found
WHERE activity.occurred_at = found.occurred_at AND activity.id = found.id
  AND activity.person_id IS NULL;

-- name: matched_up_to
-- The orphans up to this one were looked at.
UPDATE activity_matching SET matched_up_to = greatest(matched_up_to, $2) WHERE account_id = $1;

-- name: take_queued
-- Some of the links and emails that changed; what they lead to is done in the same transaction.
DELETE FROM activity_rematches
WHERE account_id = $1 AND id = ANY (ARRAY(
    SELECT id FROM activity_rematches WHERE account_id = $1 ORDER BY id LIMIT $2))
RETURNING contact_id, email_key, merged_id;

-- name: count_concerned
-- Orphans of these contacts and emails. online_activities_orphans_contact,
-- online_activities_orphans_email.
SELECT count(*) FROM (
    SELECT orphan.id FROM unnest($2::bigint[]) AS linked (contact_id)
    CROSS JOIN LATERAL (
        SELECT id FROM online_activities
        WHERE account_id = $1 AND person_id IS NULL AND contact_id = linked.contact_id
        OFFSET 0
    ) AS orphan
    UNION
    SELECT orphan.id FROM unnest($3::text[]) AS changed (email_key)
    CROSS JOIN LATERAL (
        SELECT id FROM online_activities
        WHERE account_id = $1 AND person_id IS NULL AND lower(email) = changed.email_key
        OFFSET 0
    ) AS orphan
) AS concerned;

-- name: match_linked
-- Orphans of contacts that were linked, found contact by contact. contact_links_contact,
-- online_activities_orphans_contact, online_activities_pkey.
WITH found AS MATERIALIZED (
    SELECT orphan.occurred_at, orphan.id, linked.person_id
    FROM unnest($2::bigint[]) AS given (contact_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(person.merged_into_id, person.id) AS person_id
        FROM contact_links AS link JOIN people AS person ON person.id = link.person_id
        WHERE link.account_id = $1 AND link.contact_id = given.contact_id
        LIMIT 1
    ) AS linked
    CROSS JOIN LATERAL (
        SELECT occurred_at, id FROM online_activities
        WHERE account_id = $1 AND person_id IS NULL AND contact_id = given.contact_id
        OFFSET 0
    ) AS orphan
)
UPDATE online_activities AS activity
SET person_id = found.person_id, matched_by = 'contact'
FROM found
WHERE activity.occurred_at = found.occurred_at AND activity.id = found.id
  AND activity.person_id IS NULL;

-- name: emails_of
-- Who has these emails; as in emails_known. people_email_key.
SELECT DISTINCT ON (person.email_key) person.email_key, person.id AS person_id
FROM unnest($2::text[]) AS given (email_key)
JOIN people AS person ON person.email_key = given.email_key AND person.deleted_at IS NULL
LEFT JOIN contact_links AS link ON link.account_id = $1 AND link.person_id = person.id
ORDER BY person.email_key, link.contact_id IS NULL, person.id;

-- name: follow_merged
-- What was matched to somebody while it was merged goes to the survivor. online_activities_person.
UPDATE online_activities AS activity
SET person_id = loser.merged_into_id
FROM unnest($2::bigint[]) AS merged (person_id)
JOIN people AS loser ON loser.id = merged.person_id AND loser.merged_into_id IS NOT NULL
WHERE activity.person_id = merged.person_id AND activity.account_id = $1;
