-- name: intend
-- Dotdigital is about to be asked to mail these again: until its answer is known the contact counts
-- as mailable, so that an opt-out is told it, and an address as untold. Only whose opt-in still
-- stands. Primary keys.
WITH given AS (
    SELECT person.id, person.email_key, given.opted_in_at
    FROM unnest($2::bigint[], $3::timestamptz[], $5::text[])
         AS given (person_id, opted_in_at, email_key)
    JOIN people AS person ON person.id = given.person_id AND NOT person.no_email
     AND person.deleted_at IS NULL AND person.opted_in_at = given.opted_in_at
     AND person.email_key = given.email_key
    WHERE NOT EXISTS (SELECT FROM people AS other
                      WHERE other.email_key = given.email_key AND other.no_email
                        AND other.deleted_at IS NULL)
      AND NOT EXISTS (SELECT FROM address_opt_outs AS address
                      WHERE address.account_id = $1 AND address.email_key = given.email_key
                        AND address.opted_out_at >= given.opted_in_at)
), noted AS (
    INSERT INTO contact_links AS link (account_id, person_id, state, account_status, opt_in_asked,
                                       opt_in_doubt_at)
    SELECT $1, id, 'pending', $4, opted_in_at, $6 FROM given
    ON CONFLICT (account_id, person_id) DO UPDATE
        SET account_status = excluded.account_status, opt_in_asked = excluded.opt_in_asked,
            opt_in_doubt_at = excluded.opt_in_doubt_at
), untold AS (
    UPDATE address_opt_outs AS address SET confirmed_at = NULL
    FROM given WHERE address.account_id = $1 AND address.email_key = given.email_key
)
SELECT id FROM given;

-- name: answered
-- What Dotdigital answered. Whether an earlier call, whose answer was lost, is still on its way
-- ($6) isn't known by that. Primary key of contact_links.
UPDATE contact_links
SET account_status = $3, opt_in_asked = $4, last_sent_at = $5,
    opt_in_doubt_at = CASE WHEN $6 THEN opt_in_doubt_at END
WHERE account_id = $1 AND person_id = $2;

-- name: doubt
-- A call that brings the contact back came late. Primary key.
UPDATE contact_links SET opt_in_doubt_at = $3 WHERE account_id = $1 AND person_id = $2;

-- name: settle_doubt
-- The call that put the contact in doubt at that time ($3) was answered: no doubt is left, but of who
-- opted out meanwhile, for that was perhaps told before the call came through; nor does it settle what
-- another call left in doubt. Primary keys.
UPDATE contact_links AS link
SET opt_in_doubt_at = CASE WHEN stands.is_out THEN $4::timestamptz END
FROM people AS person
CROSS JOIN LATERAL (
    SELECT person.no_email
           OR EXISTS (SELECT FROM people AS other
                      WHERE other.email_key = person.email_key AND other.no_email
                        AND other.deleted_at IS NULL)
           OR EXISTS (SELECT FROM address_opt_outs AS address
                      WHERE address.account_id = $1 AND address.email_key = person.email_key
                        AND address.opted_out_at >= coalesce(person.opted_in_at, '-infinity'))
           AS is_out OFFSET 0) AS stands
WHERE link.account_id = $1 AND link.person_id = $2 AND person.id = $2
  AND (stands.is_out OR link.opt_in_doubt_at = $3);

-- name: tell_again
-- Opt-outs that a call still on its way may have undone since they were told: whenever the doubt has
-- become twice as old as it was then, for a day. Linked people become due, and count as mailable
-- until that is told; addresses without a contact count as untold. Who is in an import that brings
-- them back is in doubt as long. contact_links_opt_in_doubt, imports_unsettled, and primary keys.
WITH doubted AS (
    SELECT link.person_id, link.contact_id, person.version, person.email_key,
           link.opt_in_doubt_at AS since,
           CASE WHEN link.contact_id IS NULL THEN address.confirmed_at
                ELSE link.suppressed_at END AS told_at,
           CASE WHEN link.contact_id IS NULL THEN address.email_key IS NOT NULL
                ELSE person.no_email
                     OR EXISTS (SELECT FROM people AS other
                                WHERE other.email_key = person.email_key AND other.no_email
                                  AND other.deleted_at IS NULL)
                     OR coalesce(address.opted_out_at
                                 >= coalesce(person.opted_in_at, '-infinity'), false)
           END AS is_out
    FROM contact_links AS link
    JOIN people AS person ON person.id = link.person_id
    LEFT JOIN address_opt_outs AS address
           ON address.account_id = $1 AND address.email_key = person.email_key
    WHERE link.account_id = $1 AND link.opt_in_doubt_at IS NOT NULL
), again AS (
    SELECT * FROM doubted
    WHERE is_out AND told_at IS NOT NULL
      AND (told_at <= since OR $2 - since >= 2 * (told_at - since))
), over AS (
    UPDATE contact_links AS link SET opt_in_doubt_at = NULL
    FROM doubted
    WHERE link.account_id = $1 AND link.person_id = doubted.person_id
      AND since <= $2 - interval '1 day'
      AND (NOT is_out OR told_at >= since + interval '12 hours')
      AND NOT EXISTS (SELECT FROM imports AS import
                      JOIN import_members AS flying ON flying.import_id = import.id
                      WHERE import.account_id = $1 AND import.kind = 'resubscription'
                        AND import.status IN ('submitting', 'open')
                        AND flying.person_id = link.person_id)
      AND NOT EXISTS (SELECT FROM again WHERE again.person_id = link.person_id)
), untold AS (
    UPDATE address_opt_outs AS address SET confirmed_at = NULL
    FROM again
    WHERE address.account_id = $1 AND address.email_key = again.email_key
      AND again.contact_id IS NULL
), mailable AS (
    UPDATE contact_links AS link
    SET opt_out_told = NULL,
        account_status = CASE WHEN lower(coalesce(link.account_status, 'suppressed'))
                                   IN ('suppressed', 'unsubscribed') THEN $3
                              ELSE link.account_status END
    FROM again
    WHERE link.account_id = $1 AND link.person_id = again.person_id
      AND again.contact_id IS NOT NULL
), due AS (
    INSERT INTO person_changes AS due (account_id, person_id, version, reason, changed_at)
    SELECT $1::bigint, person_id, version, 'sibling', clock_timestamp() FROM again
    WHERE contact_id IS NOT NULL ORDER BY person_id
    ON CONFLICT (account_id, person_id) DO UPDATE
        SET changed_at = excluded.changed_at, next_attempt_at = '-infinity'
)
SELECT count(*) FROM again;

-- name: found_off
-- What it is known to hold instead, and since when. Primary key of contact_links.
UPDATE contact_links
SET account_status = $3, opt_in_asked = $4,
    opt_out_told = CASE WHEN contact_id IS NULL THEN NULL ELSE $5::timestamptz END
WHERE account_id = $1 AND person_id = $2;

-- name: lift
-- The address is mailed again, or was asked whether it wants to be. Primary key.
DELETE FROM address_opt_outs WHERE account_id = $1 AND email_key = $2 AND opted_out_at < $3;

-- name: still_out
-- The address stays as it is. Primary key.
UPDATE address_opt_outs SET confirmed_at = $3
WHERE account_id = $1 AND email_key = $2 AND confirmed_at IS NULL;

-- name: follow_opt_out
-- The opt-out there is newer than the opt-in here: both sides end at "do not mail".
UPDATE people
SET no_email = true, opted_out_at = greatest($3, opted_in_at), opt_out_reason = $4
WHERE id = $1 AND NOT no_email AND opted_in_at = $2
RETURNING opted_out_at;
