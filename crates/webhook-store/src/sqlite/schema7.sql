-- Version 7: the last attempts of each endpoint, the newest first, as `recent_attempts.rs` writes them.
--
-- The sums of a tenant are in the tables of version 6, in the place of an endpoint: with the negative key
-- of the tenant.
CREATE TABLE recent_attempts (
    endpoint INTEGER PRIMARY KEY,
    attempts BLOB NOT NULL
);
