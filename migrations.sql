-- The producer's tables. Safe to run any number of times, also by several replicas at once.

CREATE TABLE IF NOT EXISTS webhook_registrations (
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

-- Rows of the table `registrations` move into the one above. The original sample made it with the
-- columns URL, EVENT and KEY, earlier versions of this producer with `signing_key` and two times.
-- Where nobody made it, it is made here, empty, so that the statements below find it.
CREATE TABLE IF NOT EXISTS registrations (url TEXT, event TEXT, key TEXT);

-- A column that the table lacks is looked up in `absent`, where it is null: SQL looks for a name in
-- the innermost query first. Where a URL is registered anew already, the new row stays.
INSERT OR IGNORE INTO webhook_registrations (url, event, signing_key, created_at, updated_at)
SELECT old_url, CASE old_event WHEN '' THEN '*' ELSE old_event END, old_key,
    coalesce(old_created_at, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
    coalesce(old_updated_at, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
FROM (
    SELECT old.rowid AS place,
        (SELECT url FROM registrations AS one WHERE one.rowid = old.rowid) AS old_url,
        (SELECT event FROM registrations AS one WHERE one.rowid = old.rowid) AS old_event,
        (SELECT coalesce(signing_key, key) FROM registrations AS one
            WHERE one.rowid = old.rowid) AS old_key,
        (SELECT created_at FROM registrations AS one WHERE one.rowid = old.rowid) AS old_created_at,
        (SELECT updated_at FROM registrations AS one WHERE one.rowid = old.rowid) AS old_updated_at
    FROM (SELECT NULL AS url, NULL AS event, NULL AS key, NULL AS signing_key,
            NULL AS created_at, NULL AS updated_at) AS absent,
        (SELECT rowid FROM registrations) AS old
)
WHERE typeof(old_url) = 'text' AND old_url <> ''
    AND typeof(old_event) = 'text' AND typeof(old_key) = 'text' AND old_key <> ''
ORDER BY place;

-- Only what has been moved goes; anything else stays as it is.
DELETE FROM registrations WHERE rowid IN (
    SELECT old.rowid
    FROM (SELECT NULL AS url) AS absent, (SELECT rowid FROM registrations) AS old
    WHERE (SELECT url FROM registrations AS one WHERE one.rowid = old.rowid)
        IN (SELECT moved.url FROM webhook_registrations AS moved)
);
