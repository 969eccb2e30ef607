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
    INSERT INTO contact_links AS link (account_id, person_id, state, account_status, opt_in_asked)
    SELECT $1, id, 'pending', $4, opted_in_at FROM given
    ON CONFLICT (account_id, person_id) DO UPDATE
        SET account_status = excluded.account_status, opt_in_asked = excluded.opt_in_asked
), untold AS (
    UPDATE address_opt_outs AS address SET confirmed_at = NULL
    FROM given WHERE address.account_id = $1 AND address.email_key = given.email_key
)
SELECT id FROM given;

-- name: answered
-- What Dotdigital answered. Primary key of contact_links.
UPDATE contact_links SET account_status = $3, opt_in_asked = $4, last_sent_at = $5
WHERE account_id = $1 AND person_id = $2;

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
