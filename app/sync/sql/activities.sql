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

-- name: staging
-- A batch of activities on its way into the table, on this connection alone.
CREATE TEMPORARY TABLE IF NOT EXISTS activity_staging (
    type text NOT NULL, occurred_at timestamptz NOT NULL, mailshot_id bigint, contact_id bigint,
    email text, details jsonb NOT NULL, activity_key bytea NOT NULL, is_once boolean NOT NULL
) ON COMMIT DELETE ROWS;

-- name: any_without_contact
-- Whether campaigns gave rows without a contact before. online_activities_no_contact.
SELECT EXISTS (SELECT FROM online_activities
               WHERE contact_id IS NULL AND mailshot_id IS NOT NULL AND account_id = $1);

-- name: adopt
-- A row that came without its contact before, and comes with it now, is the same: it gets the
-- contact and the key. online_activities_no_contact, online_activities_key.
UPDATE online_activities AS activity
SET contact_id = staged.contact_id, activity_key = staged.activity_key
FROM activity_staging AS staged
WHERE activity.mailshot_id = staged.mailshot_id AND activity.occurred_at = staged.occurred_at
  AND activity.contact_id IS NULL AND staged.contact_id IS NOT NULL
  AND activity.type = staged.type AND lower(activity.email) = lower(staged.email)
  AND activity.details ->> 'url' IS NOT DISTINCT FROM staged.details ->> 'url'
  AND activity.account_id = $1
  AND NOT EXISTS (SELECT FROM online_activities AS known
                  WHERE known.account_id = $1 AND known.activity_key = staged.activity_key
                    AND known.occurred_at = staged.occurred_at);

-- name: drop_adopted
-- A row without its contact that came with it before is the same. online_activities_of_mailshot,
-- online_activities_of_mailshot_orphaned.
DELETE FROM activity_staging AS staged
WHERE staged.contact_id IS NULL AND staged.mailshot_id IS NOT NULL AND staged.email IS NOT NULL
  AND EXISTS (SELECT FROM online_activities AS known
              WHERE known.mailshot_id = staged.mailshot_id AND known.type = staged.type
                AND known.occurred_at = staged.occurred_at AND known.contact_id IS NOT NULL
                AND lower(known.email) = lower(staged.email)
                AND known.details ->> 'url' IS NOT DISTINCT FROM staged.details ->> 'url'
                AND known.person_id IS NULL
              UNION ALL
              SELECT FROM online_activities AS known
              WHERE known.mailshot_id = staged.mailshot_id AND known.type = staged.type
                AND known.occurred_at = staged.occurred_at AND known.contact_id IS NOT NULL
                AND lower(known.email) = lower(staged.email)
                AND known.details ->> 'url' IS NOT DISTINCT FROM staged.details ->> 'url'
                AND known.person_id IS NOT NULL);

-- name: store
-- Store what is not there yet, each beside its person: by the contact's link, then by the email,
-- where whoever is linked comes first. contact_links_contact, people_email_key,
-- online_activities_key.
WITH stored AS (
    INSERT INTO online_activities (account_id, type, occurred_at, mailshot_id, person_id, matched_by,
                                   contact_id, email, details, activity_key)
    SELECT $1, staged.type, staged.occurred_at, staged.mailshot_id,
           coalesce(linked.person_id, named.person_id),
           CASE WHEN linked.person_id IS NOT NULL THEN 'contact'
                WHEN named.person_id IS NOT NULL THEN 'email' END,
           staged.contact_id, staged.email, staged.details, staged.activity_key
    FROM activity_staging AS staged
    LEFT JOIN LATERAL (
        SELECT coalesce(person.merged_into_id, person.id) AS person_id
        FROM contact_links AS link JOIN people AS person ON person.id = link.person_id
        WHERE link.account_id = $1 AND link.contact_id = staged.contact_id
    ) AS linked ON true
    LEFT JOIN LATERAL (
        SELECT person.id AS person_id
        FROM people AS person
        LEFT JOIN contact_links AS link ON link.account_id = $1 AND link.person_id = person.id
        WHERE linked.person_id IS NULL AND person.email_key = lower(staged.email)
          AND person.deleted_at IS NULL
        ORDER BY link.contact_id IS NULL, person.id LIMIT 1
    ) AS named ON true
    WHERE NOT (staged.is_once AND EXISTS (
        SELECT FROM online_activities AS known
        WHERE known.account_id = $1 AND known.activity_key = staged.activity_key))
    ON CONFLICT (account_id, activity_key, occurred_at) DO NOTHING
    RETURNING type, person_id
)
SELECT type, count(*) AS stored, count(person_id) AS matched FROM stored GROUP BY type;

-- name: would_store
-- What `store` would store. online_activities_key.
SELECT staged.type, count(*) AS stored, count(*) FILTER (WHERE EXISTS (
           SELECT FROM contact_links AS link
           WHERE link.account_id = $1 AND link.contact_id = staged.contact_id)
           OR EXISTS (SELECT FROM people AS person
                      WHERE person.email_key = lower(staged.email) AND person.deleted_at IS NULL)
       ) AS matched
FROM activity_staging AS staged
WHERE NOT EXISTS (
    SELECT FROM online_activities AS known
    WHERE known.account_id = $1 AND known.activity_key = staged.activity_key
      AND (staged.is_once OR known.occurred_at = staged.occurred_at))
GROUP BY staged.type;

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
