-- Version 3: the requests and responses of attempts, the status of the last attempt, erased events, and
-- counters of outcomes.

-- `response` has the start of the body as text, for attempts that version 1 recorded.
ALTER TABLE attempts ADD COLUMN exchange bytea;

ALTER TABLE deliveries
    ADD COLUMN status integer,      -- of the last attempt; 0: it got no response; NULL: there is no attempt
    ADD COLUMN erased boolean NOT NULL DEFAULT false;  -- it is not attempted any more
UPDATE deliveries d SET status = coalesce(a.status, 0)
    FROM attempts a WHERE a.event = d.event AND a.endpoint = d.endpoint AND a.number = d.attempts;

-- Successes, which are nearly all, are not in it.
CREATE INDEX deliveries_failed ON deliveries (tenant, created_at, event, endpoint)
    WHERE status NOT BETWEEN 200 AND 299;

-- Outcomes by minute, and by hour once the minutes are deleted. `endpoint_stats.rs` has the numbers of
-- the counters. Every owner has rows of its own, so that none waits for another one.
CREATE TABLE outcome_minutes (
    at       bigint NOT NULL,       -- minutes since the Unix epoch
    count    bigint NOT NULL,
    endpoint integer NOT NULL,
    owner    integer NOT NULL,
    counter  smallint NOT NULL,
    PRIMARY KEY (at, endpoint, counter, owner)
) WITH (fillfactor = 50);
CREATE TABLE outcome_hours (
    at       bigint NOT NULL,       -- hours since the Unix epoch
    count    bigint NOT NULL,
    endpoint integer NOT NULL,
    counter  smallint NOT NULL,
    PRIMARY KEY (at, endpoint, counter)
);
