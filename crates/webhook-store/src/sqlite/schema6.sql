-- Version 6: the requests and responses of attempts, the status of the last attempt, and counters of
-- outcomes.
--
-- 0: the last attempt got no response. NULL: there is no attempt.
ALTER TABLE deliveries ADD COLUMN status INTEGER;
-- The records of requests and responses, one after the other, in the order of `attempts`: an attempt has
-- the number of bytes of its own in `exchange`. NULL: none, or erased. It is the last column, so that a
-- list does not read it.
ALTER TABLE deliveries ADD COLUMN exchanges BLOB;
UPDATE deliveries SET status = coalesce(json_extract('[' || attempts || ']', '$[#-1].status'), 0)
    WHERE attempts IS NOT NULL;

-- Successes, which are nearly all, are not in it.
CREATE INDEX deliveries_failed ON deliveries (tenant, created_at, seq, endpoint, status)
    WHERE status NOT BETWEEN 200 AND 299;

-- Outcomes by minute, and by hour once the minutes are deleted. `endpoint_stats.rs` has the numbers of
-- the counters.
CREATE TABLE outcome_minutes (
    endpoint INTEGER NOT NULL,
    at       INTEGER NOT NULL,          -- minutes since the Unix epoch
    counter  INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (at, endpoint, counter)
) WITHOUT ROWID;
CREATE TABLE outcome_hours (
    endpoint INTEGER NOT NULL,
    at       INTEGER NOT NULL,          -- hours since the Unix epoch
    counter  INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (at, endpoint, counter)
) WITHOUT ROWID;
