"""Deduplication by `webhook-id`: each event is processed once, even if it is sent repeatedly.

An id is claimed with one SQLite statement, so that of concurrent requests exactly one gets it. A
processed id is remembered for as long as the sender retries and its signature is fresh; a failed one
is released at once.
"""

from spin_sdk import sqlite
from spin_sdk.sqlite import Value_Integer, Value_Text as Text

import clock
import log
from response import Refusal
from settings import Settings

LEASE = 300  # Seconds until another attempt may take over an id that is being processed.
PRUNE_EVERY = 64

CREATE = """CREATE TABLE IF NOT EXISTS webhook_ids (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, until INTEGER NOT NULL, done INTEGER NOT NULL)"""
CLAIM = """INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 0)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 0,
        seq = (SELECT max(seq) FROM webhook_ids) + 1 WHERE until < ?3
    RETURNING seq"""
FIND = "SELECT done FROM webhook_ids WHERE id = ?1"
COMPLETE = """INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 1)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 1"""
RELEASE = "DELETE FROM webhook_ids WHERE id = ?1 AND until = ?2 AND done = 0"
PRUNE = """DELETE FROM webhook_ids
    WHERE until < ?1 OR (done = 1 AND seq <= (SELECT max(seq) FROM webhook_ids) - ?2)"""


def once(ident: str, signed_at: int | None, settings: Settings, process) -> bool:
    """Calls `process`, unless the id was processed before. Returns true if it did."""
    now = clock.now()
    with sqlite.open_default() as database:
        number = claim(database, ident, now)
        if number is None:
            if rows(database, FIND, [Text(ident)]) == [1]:
                return False
            raise Refusal(409, "in-progress", "The event is being processed",
                          headers={"retry-after": "5"})
        if number % PRUNE_EVERY == 0:
            attempt(database, PRUNE, [integer(now), integer(settings.seen_ids_max)])
        try:
            process()
        except Exception:
            release(database, ident, now)
            raise
        # A failure is only logged: the work is done, and an error would cause a retry that repeats it.
        until = settings.remember_until(clock.now(), signed_at)
        attempt(database, COMPLETE, [Text(ident), integer(until)])
    return True


def claim(database, ident: str, now: int) -> int | None:
    """Claims the id and returns the claim's number; `None` if it is already claimed or processed."""
    database.execute(CREATE, [])
    claimed = rows(database, CLAIM, [Text(ident), integer(now + LEASE), integer(now)])
    return claimed[0] if claimed else None


def release(database, ident: str, now: int):
    """Releases the claim that was made at `now`."""
    rows(database, RELEASE, [Text(ident), integer(now + LEASE)])


def check():
    """Raises an error if the database cannot be read."""
    with sqlite.open_default() as database:
        rows(database, "SELECT 1", [])


def attempt(database, statement: str, parameters: list):
    try:
        database.execute(statement, parameters)
    except Exception as error:
        log.write(f"the table of ids was not updated: {error!r}")


def integer(number: int) -> Value_Integer:
    """Converts a number, limited to the range of SQLite."""
    return Value_Integer(min(number, 2**63 - 1))


def rows(database, statement: str, parameters: list) -> list[int]:
    """Returns the first column of the statement's rows, as numbers."""
    return [row.values[0].value for row in database.execute(statement, parameters).rows]
