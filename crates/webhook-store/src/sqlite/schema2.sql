-- Version 2: accepted events that are not planned yet, in the order of acceptance. Such an event
-- has -1 in `events.deliveries`.
CREATE TABLE accepted (
    place  INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    event  INTEGER NOT NULL,
    tries  INTEGER NOT NULL DEFAULT 0   -- how often planning began
);
CREATE INDEX accepted_by_tenant ON accepted (tenant, place);
CREATE UNIQUE INDEX accepted_by_event ON accepted (event);
