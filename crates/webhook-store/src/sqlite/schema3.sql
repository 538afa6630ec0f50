-- Version 3: the source of each event, and the list of a tenant's events by acceptance. An event
-- keeps its key when it is planned later than it was accepted.
ALTER TABLE events RENAME COLUMN planned_at TO accepted_at;
ALTER TABLE events ADD COLUMN source TEXT NOT NULL DEFAULT 'unknown';
ALTER TABLE events ADD COLUMN first_delivery INTEGER;   -- its key; NULL: the key after the event's

-- An event is in one of them. They contain `source`, which a row stores behind its data: a list
-- would have to read all of the data to find it.
CREATE INDEX events_planned ON events (tenant, accepted_at, key, source) WHERE deliveries >= 0;
CREATE INDEX events_accepted ON events (tenant, accepted_at, key, source) WHERE deliveries < 0;
CREATE INDEX rejected_by_tenant ON rejected (tenant, at);
