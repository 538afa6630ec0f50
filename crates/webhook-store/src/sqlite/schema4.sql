-- Version 4: the keys of events and deliveries by the hashes of their ids. It replaces two indexes in
-- which every new row changed a page at random. Keys after `counters.indexed_to` are not in it yet: see
-- `ids/mod.rs`.
DROP INDEX events_by_hash;
DROP INDEX deliveries_by_id;
CREATE TABLE ids (
    hash INTEGER NOT NULL,
    key  INTEGER NOT NULL,      -- `events.key` or `deliveries.seq`, which have one sequence
    PRIMARY KEY (hash, key)
) WITHOUT ROWID;
ALTER TABLE counters ADD COLUMN indexed_to INTEGER NOT NULL DEFAULT 0;
