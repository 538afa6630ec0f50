-- Version 1.

-- One row of counters that never go back.
CREATE TABLE counters (
    versions INTEGER NOT NULL,  -- of endpoints, over all tenants: never handed out again
    pings    INTEGER NOT NULL
);
INSERT INTO counters VALUES (0, 0);

CREATE TABLE tenants (
    key     INTEGER PRIMARY KEY,
    id      TEXT UNIQUE,        -- NULL: deleted, and not yet swept away
    version INTEGER NOT NULL
);

CREATE TABLE endpoints (
    key        INTEGER PRIMARY KEY,
    tenant     INTEGER NOT NULL,
    id         TEXT NOT NULL,
    definition TEXT,            -- JSON; NULL: deleted, its deliveries still name it
    version    INTEGER NOT NULL,
    enabled    INTEGER NOT NULL,
    deleted_at INTEGER,
    UNIQUE (tenant, id)
);

-- Events and deliveries draw their keys from one sequence: an event's deliveries have the
-- `deliveries` keys that follow its own. So neither needs an index to find the other.
CREATE TABLE events (
    key          INTEGER PRIMARY KEY,
    hash         INTEGER NOT NULL,      -- of tenant and id
    tenant       INTEGER NOT NULL,
    deliveries   INTEGER NOT NULL,      -- how many were planned; 0 once all are forgotten
    planned_at   INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    id           TEXT NOT NULL,
    kind         TEXT NOT NULL,
    ordering_key TEXT,
    data         BLOB NOT NULL
);
-- By eight bytes instead of the whole id: a quarter of the random page writes.
CREATE INDEX events_by_hash ON events (hash);
CREATE INDEX events_bare ON events (planned_at, tenant) WHERE deliveries = 0;

CREATE TABLE deliveries (
    seq        INTEGER PRIMARY KEY,     -- in the order of planning
    tenant     INTEGER NOT NULL,
    endpoint   INTEGER NOT NULL,
    event      INTEGER NOT NULL,
    state      INTEGER NOT NULL,        -- 0 due at `at`, 1 waits for its turn, 2 succeeded, 3 dead
    at         INTEGER NOT NULL,        -- when it is due, or when it ended
    created_at INTEGER NOT NULL,
    made       INTEGER NOT NULL,        -- attempts since it was planned or replayed
    id         BLOB NOT NULL,
    chain      TEXT,                    -- what keeps its order; NULL: nothing does
    reason     TEXT,
    body       BLOB,                    -- NULL: the event's data
    attempts   TEXT                     -- JSON objects, a comma between them
);
CREATE INDEX deliveries_by_id ON deliveries (substr(id, 1, 8));
CREATE INDEX deliveries_by_tenant ON deliveries (tenant, created_at, seq, endpoint);
CREATE INDEX deliveries_due ON deliveries (endpoint, at) WHERE state = 0;
CREATE INDEX deliveries_chained ON deliveries (endpoint, chain, state)
    WHERE chain IS NOT NULL AND state < 2;
CREATE INDEX deliveries_dead ON deliveries (tenant, created_at, seq, endpoint) WHERE state = 3;

CREATE TABLE rejected (
    key    INTEGER PRIMARY KEY AUTOINCREMENT,
    id     TEXT NOT NULL UNIQUE,
    tenant INTEGER,
    at     INTEGER NOT NULL,
    source TEXT NOT NULL,
    code   TEXT NOT NULL,
    reason TEXT NOT NULL,
    fields TEXT NOT NULL                -- JSON, pairs
);
CREATE INDEX rejected_by_time ON rejected (at);
