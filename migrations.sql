-- The producer's tables. Safe to run any number of times; it never touches rows that are there.

CREATE TABLE IF NOT EXISTS registrations (
    -- the consumer's URL as the producer calls it: normalised, without a fragment
    url TEXT NOT NULL PRIMARY KEY,
    -- the event it wants: a name, `prefix.*` or `*`
    event TEXT NOT NULL,
    -- what its payloads are signed with: 36 alphanumerics, replaced by every registration
    signing_key TEXT NOT NULL,
    -- UTC, RFC 3339, to the second
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
);
