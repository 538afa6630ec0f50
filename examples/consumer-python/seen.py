"""The ids that were seen, so that an event is processed once however often it is sent.

An id is claimed in one SQLite statement, so that of two requests that race one has it. What was
processed is remembered for as long as the sender retries; what failed is forgotten at once.
"""

from spin_sdk import sqlite, variables
from spin_sdk.sqlite import Value_Integer as Integer, Value_Text as Text

import clock
from answer import Refusal

LEASE = 300  # Seconds that processing may take, before another attempt takes the event over.
PRUNE_EVERY = 64

CREATE = """CREATE TABLE IF NOT EXISTS webhook_ids (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, until INTEGER NOT NULL, done INTEGER NOT NULL)"""
CLAIM = """INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 0)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 0 WHERE until < ?3
    RETURNING seq"""
FIND = "SELECT done FROM webhook_ids WHERE id = ?1"
COMPLETE = "UPDATE webhook_ids SET until = ?2, done = 1 WHERE id = ?1"
RELEASE = "DELETE FROM webhook_ids WHERE id = ?1 AND until = ?2 AND done = 0"
PRUNE = """DELETE FROM webhook_ids
    WHERE until < ?1 OR seq <= (SELECT max(seq) FROM webhook_ids) - ?2"""


def once(ident: str, process) -> bool:
    """Calls `process`, unless it was called for this id before. Says whether it did."""
    now = clock.now()
    with sqlite.open_default() as database:
        database.execute(CREATE, [])
        claimed = rows(database, CLAIM, [Text(ident), Integer(now + LEASE), Integer(now)])
        if not claimed:
            if rows(database, FIND, [Text(ident)]) == [1]:
                return False
            raise Refusal(409, "in-progress", "The event is being processed",
                          headers={"retry-after": "5"})
        if claimed[0] % PRUNE_EVERY == 0:
            prune(database, now)
        try:
            process()
        except Exception:
            rows(database, RELEASE, [Text(ident), Integer(now + LEASE)])
            raise
        horizon = int(variables.get("retry_horizon_seconds"))
        rows(database, COMPLETE, [Text(ident), Integer(now + horizon)])
    return True


def prune(database, now: int):
    rows(database, PRUNE, [Integer(now), Integer(int(variables.get("seen_ids_max")))])


def rows(database, statement: str, parameters: list) -> list[int]:
    """The first column, of numbers, of what the statement gives."""
    return [row.values[0].value for row in database.execute(statement, parameters).rows]
