-- name: keep
-- Addresses that must not be mailed though no contact of ours has them. What was told of an address
-- while a contact had it is told again. Primary key.
INSERT INTO address_opt_outs AS kept (account_id, email_key, source, opted_out_at)
SELECT DISTINCT ON (email_key) $1::bigint, email_key, $4, opted_out_at
FROM unnest($2::text[], $3::timestamptz[]) AS given (email_key, opted_out_at)
ORDER BY email_key, opted_out_at DESC
ON CONFLICT (account_id, email_key) DO UPDATE
    SET opted_out_at = greatest(kept.opted_out_at, excluded.opted_out_at),
        source = excluded.source, refusal = NULL,
        dotdigital_import_id = NULL, confirmed_at = NULL;

-- name: untold
-- Addresses of which Dotdigital is to be told. Not while a contact of ours has one: that is
-- suppressed by its id; nor while it is being brought back, and how that went isn't known.
-- address_opt_outs_untold, contact_links_email, people_email_key.
SELECT address.email_key, address.source FROM address_opt_outs AS address
WHERE address.account_id = $1 AND address.confirmed_at IS NULL
  AND address.dotdigital_import_id IS NULL AND address.source <> 'left'
  AND NOT EXISTS (SELECT FROM contact_links AS link
                  WHERE link.account_id = $1 AND link.email_key = address.email_key
                    AND link.contact_id IS NOT NULL)
  AND NOT EXISTS (SELECT FROM people AS person
                  JOIN contact_links AS link
                    ON link.account_id = $1 AND link.person_id = person.id
                   AND link.account_status = $3
                  WHERE person.email_key = address.email_key AND NOT person.no_email
                    AND person.deleted_at IS NULL AND person.opted_in_at > address.opted_out_at)
ORDER BY address.email_key LIMIT $2;

-- name: under_way
-- Imports that tell it. address_opt_outs_untold.
SELECT DISTINCT dotdigital_import_id FROM address_opt_outs
WHERE account_id = $1 AND confirmed_at IS NULL AND dotdigital_import_id IS NOT NULL;

-- name: submitted
-- Dotdigital took the import that tells of these.
WITH held AS (
    SELECT email_key FROM address_opt_outs
    WHERE account_id = $1 AND email_key = ANY ($2::text[]) AND confirmed_at IS NULL
    ORDER BY email_key FOR UPDATE
)
UPDATE address_opt_outs AS kept SET dotdigital_import_id = $3
FROM held WHERE kept.account_id = $1 AND kept.email_key = held.email_key;

-- name: of_import
-- Whom an import tells of. address_opt_outs_untold.
SELECT email_key FROM address_opt_outs
WHERE account_id = $1 AND dotdigital_import_id = $2 AND confirmed_at IS NULL
ORDER BY email_key FOR UPDATE;

-- name: told
-- Dotdigital knows of these, or does not want to: it isn't told again. Primary key.
WITH held AS (
    SELECT kept.email_key, given.refusal
    FROM unnest($2::text[], $3::text[]) AS given (email_key, refusal)
    JOIN address_opt_outs AS kept
      ON kept.account_id = $1 AND kept.email_key = given.email_key
    ORDER BY kept.email_key FOR UPDATE OF kept
)
UPDATE address_opt_outs AS kept SET confirmed_at = $4, refusal = held.refusal
FROM held WHERE kept.account_id = $1 AND kept.email_key = held.email_key;

-- name: to_be_told_again
-- The import that was to tell of these failed. address_opt_outs_untold.
UPDATE address_opt_outs SET dotdigital_import_id = NULL
WHERE account_id = $1 AND dotdigital_import_id = $2 AND confirmed_at IS NULL;
