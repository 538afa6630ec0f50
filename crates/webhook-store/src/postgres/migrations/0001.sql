-- Version 1.
--
-- Text that comes from outside is `bytea` in UTF-8: JSON allows U+0000 in it, and PostgreSQL's text
-- does not. Ids are visible ASCII, and therefore text. Times are milliseconds since the Unix epoch.
--
-- References from the large tables exist where a deletion follows them. Others (`tenant`, `endpoint`,
-- `owner` of a delivery) would check and lock one row for each delivery that is written; the
-- statements lock that row once for a batch instead.

CREATE TABLE content (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    identity text                   -- NULL: the configuration is not restored yet
);
INSERT INTO content DEFAULT VALUES;

-- The versions of endpoints, over all tenants: never used twice.
CREATE SEQUENCE versions;

CREATE TABLE tenants (
    key     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      text COLLATE "C" UNIQUE CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
                                    -- NULL: deleted, and its data is being deleted
    version bigint NOT NULL
);

CREATE TABLE endpoints (
    key        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant     integer NOT NULL REFERENCES tenants,
    id         text COLLATE "C" NOT NULL CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    version    bigint NOT NULL,
    definition json,                -- NULL: deleted, its deliveries still name it
    enabled    boolean NOT NULL,
    deleted_at bigint,
    UNIQUE (tenant, id),
    CHECK ((definition IS NULL) = (deleted_at IS NOT NULL)),
    CHECK (definition IS NOT NULL OR NOT enabled)
);
CREATE INDEX endpoints_deleted ON endpoints (key) WHERE definition IS NULL;

-- The processes that have a lease.
CREATE TABLE owners (
    key         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    incarnation text NOT NULL UNIQUE,
    host        text NOT NULL,
    pid         bigint NOT NULL CHECK (pid >= 0),
    until       bigint NOT NULL
);

-- Never updated. Keys are in the order of acceptance within a tenant, which is that of planning.
CREATE TABLE events (
    key          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           bigint NOT NULL,
    kept_at      bigint NOT NULL,
    tenant       integer NOT NULL,
    id           text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 256),
    kind         text COLLATE "C" NOT NULL,
    source       text COLLATE "C" NOT NULL,
    ordering_key bytea,
    data         bytea NOT NULL,
    UNIQUE (tenant, id)
);

CREATE INDEX events_listed ON events (tenant, kept_at, key);

-- Events that are accepted and not planned yet.
CREATE TABLE accepted (
    event  bigint PRIMARY KEY REFERENCES events ON DELETE CASCADE,
    tenant integer NOT NULL,
    tries  integer NOT NULL DEFAULT 0 CHECK (tries >= 0)
);
CREATE INDEX accepted_by_tenant ON accepted (tenant, event);

-- The owner that plans a tenant's accepted events.
CREATE TABLE planners (
    tenant integer PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    owner  integer NOT NULL REFERENCES owners ON DELETE CASCADE
);

-- Planned events without deliveries, whose ids must stay known for a while.
CREATE TABLE bare_events (
    event bigint PRIMARY KEY REFERENCES events ON DELETE CASCADE,
    since bigint NOT NULL
);
CREATE INDEX bare_events_by_time ON bare_events (since);

CREATE TABLE deliveries (
    event          bigint NOT NULL REFERENCES events ON DELETE CASCADE,
    at             bigint NOT NULL,     -- when it is or was due, or when it ended
    created_at     bigint NOT NULL,     -- when it was planned
    fence          bigint,              -- the number of its claim
    endpoint       integer NOT NULL,
    tenant         integer NOT NULL,
    owner          integer,             -- who has it in flight
    attempts       integer NOT NULL DEFAULT 0,
    earlier        integer NOT NULL DEFAULT 0,  -- of those, before the last replay
    id             uuid NOT NULL UNIQUE,
    ordering_group uuid,                -- NULL: nothing keeps its order
    state          smallint NOT NULL,   -- 0 due at `at`, 1 waits for its group, 2 in flight,
                                        -- 3 succeeded, 4 dead
    reason         bytea,
    PRIMARY KEY (event, endpoint),
    CHECK (state BETWEEN 0 AND 4),
    CHECK ((state = 2) = (owner IS NOT NULL)),
    CHECK ((state = 2) = (fence IS NOT NULL)),
    CHECK ((state = 4) = (reason IS NOT NULL)),
    CHECK (state <> 1 OR ordering_group IS NOT NULL),
    CHECK (earlier BETWEEN 0 AND attempts)
);
CREATE INDEX deliveries_listed ON deliveries (tenant, state, created_at, event, endpoint);
CREATE INDEX deliveries_due ON deliveries (endpoint, at, event) WHERE state = 0;
-- At most one delivery of an ordering group is due or in flight.
CREATE UNIQUE INDEX deliveries_first ON deliveries (endpoint, ordering_group)
    WHERE ordering_group IS NOT NULL AND state IN (0, 2);
CREATE INDEX deliveries_waiting ON deliveries (endpoint, ordering_group, event) WHERE state = 1;

-- Bodies that differ from the event's data. Apart, because a delivery is updated and its body is not.
CREATE TABLE bodies (
    event    bigint NOT NULL,
    endpoint integer NOT NULL,
    body     bytea NOT NULL,
    PRIMARY KEY (event, endpoint),
    FOREIGN KEY (event, endpoint) REFERENCES deliveries ON DELETE CASCADE
);

CREATE TABLE attempts (
    event       bigint NOT NULL,
    at          bigint NOT NULL,
    claim       bigint NOT NULL,        -- the number of the claim that it was made under
    duration_ms bigint NOT NULL CHECK (duration_ms >= 0),
    endpoint    integer NOT NULL,
    number      integer NOT NULL CHECK (number > 0),
    status      integer CHECK (status BETWEEN 0 AND 65535),
    phase       text CHECK (phase IN ('address', 'connect', 'send', 'respond')),
    error       bytea,
    response    bytea,
    PRIMARY KEY (event, endpoint, number),
    FOREIGN KEY (event, endpoint) REFERENCES deliveries ON DELETE CASCADE
);

CREATE TABLE rejected (
    key    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     bigint NOT NULL,
    tenant integer,
    id     bytea NOT NULL UNIQUE,
    source text NOT NULL,
    code   bytea NOT NULL,
    reason bytea NOT NULL,
    fields json NOT NULL                -- pairs
);
CREATE INDEX rejected_by_time ON rejected (at, key);
CREATE INDEX rejected_by_tenant ON rejected (tenant, at, key);

-- A delivery is written three times. Vacuum follows the work, and not the size of the history.
ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000);
ALTER TABLE events SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 10000);
ALTER TABLE attempts SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 10000);
