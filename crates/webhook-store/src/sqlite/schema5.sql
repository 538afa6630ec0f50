-- Version 5: access keys, their sessions and the audit list. Texts of keys and tokens are never stored,
-- only the SHA-256 of each. Ids of sessions and audit entries sort by time.
CREATE TABLE access_keys (
    id     TEXT PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    hash   BLOB NOT NULL UNIQUE,
    tenant TEXT,                    -- NULL: an administrator's key
    body   TEXT NOT NULL
) WITHOUT ROWID;

-- Also of keys of the configuration file.
CREATE TABLE access_key_uses (
    key TEXT PRIMARY KEY,
    at  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE access_sessions (
    hash       BLOB PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    key        TEXT NOT NULL,
    tenant     TEXT,                -- of a portal
    expires_at INTEGER NOT NULL,
    body       TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_sessions_by_key ON access_sessions (key);
CREATE INDEX access_sessions_by_tenant ON access_sessions (tenant, id) WHERE tenant IS NOT NULL;
CREATE INDEX access_sessions_by_end ON access_sessions (expires_at);

CREATE TABLE audit (
    id     TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,           -- empty: of no tenant
    body   TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX audit_by_tenant ON audit (tenant, id);
