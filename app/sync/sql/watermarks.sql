-- name: load
-- How far a stream has been read. Primary key.
SELECT position, detail FROM watermarks WHERE account_id = $1 AND stream = $2;

-- name: hold
-- The stream's watermark as it stands, kept from others until the transaction ends; made where the
-- stream was never read. Primary key.
INSERT INTO watermarks AS mark (account_id, stream, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id, stream) DO UPDATE SET updated_at = mark.updated_at
RETURNING position, detail;

-- name: store
-- Primary key.
INSERT INTO watermarks (account_id, stream, position, detail, updated_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, stream) DO UPDATE
    SET position = excluded.position, detail = excluded.detail, updated_at = excluded.updated_at;
