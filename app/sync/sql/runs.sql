-- name: queue
-- A new run, unless one of this job is active for the account. runs_one_active.
INSERT INTO runs (account_id, job, mode, trigger, queued_at, scope)
SELECT $1::bigint, $2::text, $3, $4, $5, $6
-- A row that is in conflict would use up an id all the same.
WHERE NOT EXISTS (SELECT FROM runs
                  WHERE account_id = $1 AND job = $2 AND status IN ('queued', 'running'))
ON CONFLICT (account_id, job) WHERE status IN ('queued', 'running') DO NOTHING
RETURNING id;

-- name: active
-- The run that is active for this job and account.
SELECT id FROM runs WHERE account_id = $1 AND job = $2 AND status IN ('queued', 'running');

-- name: last_scheduled
-- When the last scheduled run was queued, whichever replica did. runs_queued.
SELECT max(queued_at) FROM runs
WHERE account_id = $1 AND job = $2 AND trigger = 'schedule';

-- name: claim
-- Start a run, or take it over from a replica that died: the new attempt fences the old one. By the
-- strongest lock, for which whatever the old one has begun to write comes to its end (see fence).
WITH held AS (
    SELECT id FROM runs WHERE id = $1 AND status IN ('queued', 'running') FOR UPDATE
)
UPDATE runs
SET status = 'running', attempt = attempt + 1, started_at = coalesce(started_at, $2)
FROM held WHERE runs.id = held.id
RETURNING runs.*;

-- name: checkpoint
-- Write progress; no row comes back when the attempt is over. Also says whether to cancel.
UPDATE runs
SET progress_done = $3, counts = $4, calls = $5, checkpoint = coalesce($6, checkpoint),
    progress_total = coalesce($7, progress_total)
WHERE id = $1 AND attempt = $2 AND status = 'running'
RETURNING cancel_requested_at IS NOT NULL AS cancelled;

-- name: fence
-- Hold the run while a batch's outcome is written; no row when the attempt is over. By the weakest
-- lock: the run's own progress is written beside it.
SELECT id FROM runs WHERE id = $1 AND attempt = $2 AND status = 'running' FOR KEY SHARE;

-- name: finish
-- The run's end.
UPDATE runs
SET status = $3, finished_at = $4, error = $5, counts = $6, calls = $7, progress_done = $8
WHERE id = $1 AND attempt = $2 AND status = 'running';

-- name: hand_back
-- The replica stops: the run waits for another one.
UPDATE runs SET status = 'queued' WHERE id = $1 AND attempt = $2 AND status = 'running';

-- name: event
-- A line of the run's timeline.
INSERT INTO run_events (run_id, at, event, detail) VALUES ($1, $2, $3, $4);
