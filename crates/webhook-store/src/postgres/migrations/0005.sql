-- Version 5: the last attempts of an endpoint in one row, instead of an index to which every attempt adds
-- an entry. `recent_attempts.rs` has the form of an attempt.
-- From this version on, only the dead letters of plans are counted in rows of each owner: the other counts
-- are in rows without an owner (0).
CREATE TABLE recent_attempts (
    endpoint integer PRIMARY KEY REFERENCES endpoints ON DELETE CASCADE,
    attempts bytea NOT NULL
) WITH (fillfactor = 50);
INSERT INTO recent_attempts (endpoint, attempts)
    SELECT p.key, string_agg(
            int8send(a.at) || int2send(coalesce(a.status, 0)::smallint) || '\x00'::bytea
                || int4send(least(a.duration_ms, 2147483647)::integer)
                || CASE WHEN a.error IS NULL THEN '\x00'::bytea ELSE '\x01'::bytea END,
            '' ORDER BY a.at DESC
        )
    FROM endpoints p CROSS JOIN LATERAL (
        SELECT * FROM attempts WHERE endpoint = p.key ORDER BY at DESC LIMIT 50
    ) a
    WHERE p.definition IS NOT NULL
    GROUP BY p.key;
DROP INDEX attempts_by_endpoint;
