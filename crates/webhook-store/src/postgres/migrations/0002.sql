-- Version 2: access keys, their sessions and the audit list. Texts of keys and tokens are never stored,
-- only the SHA-256 of each. Ids of sessions and audit entries sort by time. A `body` is JSON in UTF-8,
-- as bytes because JSON allows U+0000.

CREATE TABLE access_keys (
    id     text COLLATE "C" PRIMARY KEY,
    name   text COLLATE "C" NOT NULL UNIQUE,
    hash   bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    tenant text COLLATE "C",        -- NULL: an administrator's key
    body   bytea NOT NULL
);

-- Also of keys of the configuration file.
CREATE TABLE access_key_uses (
    key text COLLATE "C" PRIMARY KEY,
    at  bigint NOT NULL
);

CREATE TABLE access_sessions (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    id         text COLLATE "C" NOT NULL UNIQUE,
    key        text COLLATE "C" NOT NULL,
    tenant     text COLLATE "C",    -- of a portal
    expires_at bigint NOT NULL,
    body       bytea NOT NULL
);
CREATE INDEX access_sessions_by_key ON access_sessions (key);
CREATE INDEX access_sessions_by_tenant ON access_sessions (tenant, id) WHERE tenant IS NOT NULL;
CREATE INDEX access_sessions_by_end ON access_sessions (expires_at);

CREATE TABLE audit (
    id     text COLLATE "C" PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,   -- empty: of no tenant
    body   bytea NOT NULL
);
CREATE INDEX audit_by_tenant ON audit (tenant, id);
