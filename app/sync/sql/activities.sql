-- name: begin_matching
-- From here on triggers write down whose links and emails change in this account.
INSERT INTO activity_matching (account_id) VALUES ($1) ON CONFLICT (account_id) DO NOTHING;

-- name: queued_from
-- Whoever changes a link in a transaction from here on has seen the row above.
UPDATE activity_matching
SET queued_from_xid = pg_snapshot_xmax(pg_current_snapshot())::text::bigint
WHERE account_id = $1 AND queued_from_xid IS NULL;

-- name: watermark
-- How far the activities were read.
SELECT position, detail FROM watermarks WHERE account_id = $1 AND stream = $2;

-- name: keep_position
-- Where a reading goes on, in the transaction that stored what stands before it.
INSERT INTO watermarks (account_id, stream, detail, updated_at)
VALUES ($1, $2, jsonb_build_object('reading', $3::jsonb), $4)
ON CONFLICT (account_id, stream) DO UPDATE
    SET detail = watermarks.detail || excluded.detail, updated_at = excluded.updated_at;

-- name: keep_detail
-- Something else to be remembered of a stream.
INSERT INTO watermarks (account_id, stream, detail, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, stream) DO UPDATE
    SET detail = watermarks.detail || excluded.detail, updated_at = excluded.updated_at;

-- name: move_watermark
-- All was read up to here, by Dotdigital's clock.
INSERT INTO watermarks (account_id, stream, position, detail, updated_at)
VALUES ($1, $2, $3, jsonb_build_object('floor', $4::text), $5)
ON CONFLICT (account_id, stream) DO UPDATE
    SET position = excluded.position, updated_at = excluded.updated_at,
        detail = (watermarks.detail || excluded.detail) - 'reading';

-- name: chosen_types
-- Which types come over; no row: all of them.
SELECT * FROM activity_settings WHERE account_id = $1;

-- name: behind
-- Campaigns whose last reading failed. mailshots_behind.
SELECT dotdigital_campaign_id, behind_since FROM mailshots
WHERE account_id = $1 AND behind_since IS NOT NULL;

-- name: fall_behind
-- A campaign could not be read from here on; the next run begins there again. mailshots_campaign.
UPDATE mailshots SET behind_since = least(coalesce(behind_since, $3), $3)
WHERE account_id = $1 AND dotdigital_campaign_id = $2;

-- name: gone
-- A campaign that was deleted is behind in nothing. mailshots_campaign.
UPDATE mailshots SET behind_since = NULL WHERE account_id = $1 AND dotdigital_campaign_id = $2;

-- name: mailshot
-- Our copy of a campaign as it stands. mailshots_campaign.
SELECT id, links, sends_read FROM mailshots WHERE account_id = $1 AND dotdigital_campaign_id = $2;

-- name: refresh_mailshot
-- Make our copy of a campaign, or bring it up to date; what its listing does not tell stays.
INSERT INTO mailshots AS mailshot (account_id, dotdigital_campaign_id, name, subject, from_name,
    from_address, sent_at, counts, status, type, tags, links, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
ON CONFLICT (account_id, dotdigital_campaign_id) DO UPDATE
    SET name = excluded.name, subject = excluded.subject, from_name = excluded.from_name,
        from_address = excluded.from_address, sent_at = coalesce(excluded.sent_at, mailshot.sent_at),
        counts = excluded.counts, status = coalesce(excluded.status, mailshot.status),
        type = coalesce(excluded.type, mailshot.type),
        tags = CASE WHEN excluded.tags = '[]' THEN mailshot.tags ELSE excluded.tags END,
        links = CASE WHEN excluded.links = '[]' THEN mailshot.links ELSE excluded.links END,
        updated_at = excluded.updated_at
RETURNING id, links, sends_read;

-- name: campaign_read
-- A campaign was read to its end; clicked links join those of its HTML.
UPDATE mailshots
SET behind_since = NULL, sends_read = coalesce($2, sends_read), links = coalesce($3, links)
WHERE id = $1;

-- name: known
-- Which of these keys stand already, at these instants. online_activities_key.
SELECT given.activity_key
FROM unnest($2::bytea[], $3::timestamptz[]) AS given (activity_key, occurred_at)
WHERE EXISTS (SELECT FROM online_activities AS known
              WHERE known.account_id = $1 AND known.activity_key = given.activity_key
                AND known.occurred_at = given.occurred_at OFFSET 0);

-- name: known_at_any_time
-- Which of these keys stand already, whenever it was. online_activities_key.
SELECT activity_key FROM online_activities
WHERE account_id = $1 AND activity_key = ANY ($2::bytea[]);

-- name: linked
-- Who is linked to these contacts; a survivor stands for whoever was merged into it.
-- contact_links_contact, people_pkey.
SELECT given.contact_id, coalesce(person.merged_into_id, person.id) AS person_id
FROM unnest($2::bigint[]) AS given (contact_id)
JOIN contact_links AS link ON link.account_id = $1 AND link.contact_id = given.contact_id
JOIN people AS person ON person.id = link.person_id;

-- name: any_without_contact
-- Whether campaigns gave rows without a contact before. online_activities_no_contact.
SELECT EXISTS (SELECT FROM online_activities
               WHERE contact_id IS NULL AND mailshot_id IS NOT NULL AND account_id = $1);

-- name: without_contact
-- Activities of these mailshots and this time that came without their contact.
-- online_activities_no_contact.
SELECT id, mailshot_id, type, occurred_at, lower(email) AS email_key, details ->> 'url' AS url
FROM online_activities
WHERE mailshot_id = ANY ($1::bigint[]) AND contact_id IS NULL
  AND occurred_at BETWEEN $2 AND $3;

-- name: adopt
-- One that came without its contact before has it now. online_activities_pkey.
UPDATE online_activities AS activity
SET contact_id = given.contact_id, activity_key = given.activity_key
FROM unnest($1::timestamptz[], $2::bigint[], $3::bigint[], $4::bytea[])
    AS given (occurred_at, id, contact_id, activity_key)
WHERE activity.occurred_at = given.occurred_at AND activity.id = given.id;

-- name: with_contact
-- Which of these came with their contact before. online_activities_of_mailshot,
-- online_activities_of_mailshot_orphaned.
SELECT given.number
FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])
    WITH ORDINALITY AS given (mailshot_id, type, occurred_at, email_key, url, number)
WHERE EXISTS (
    SELECT FROM online_activities AS known
    WHERE known.mailshot_id = given.mailshot_id AND known.type = given.type
      AND known.occurred_at = given.occurred_at AND known.person_id IS NULL
      AND known.contact_id IS NOT NULL AND lower(known.email) = given.email_key
      AND known.details ->> 'url' IS NOT DISTINCT FROM given.url
    UNION ALL
    SELECT FROM online_activities AS known
    WHERE known.mailshot_id = given.mailshot_id AND known.type = given.type
      AND known.occurred_at = given.occurred_at AND known.person_id IS NOT NULL
      AND known.contact_id IS NOT NULL AND lower(known.email) = given.email_key
      AND known.details ->> 'url' IS NOT DISTINCT FROM given.url);

-- name: make_month
-- The partition of a day's month, unless it is there.
SELECT make_activity_month($1::date);

-- name: drop_months
-- The months that ended before then.
SELECT drop_activity_months($1);

-- name: stray_months
-- Months that have activities but no partition of their own yet.
SELECT DISTINCT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date AS month
FROM online_activities_other_months
WHERE occurred_at >= $1 AND occurred_at < $2
LIMIT 100;

-- name: delete_old
-- Some of the activities from before then, of a month that isn't over yet. online_activities_pkey.
WITH old AS (
    SELECT occurred_at, id FROM online_activities WHERE occurred_at < $1
    ORDER BY occurred_at, id LIMIT $2
)
DELETE FROM online_activities AS activity USING old
WHERE activity.occurred_at = old.occurred_at AND activity.id = old.id;
