"""The ids that were seen, so that an event is processed once however often it is sent.

An id is claimed in one SQLite statement, so that of two requests that race one has it. What was
processed is remembered for as long as the sender retries and its signature is fresh; what failed
is forgotten at once.
"""

from spin_sdk import sqlite
from spin_sdk.sqlite import Value_Integer, Value_Text as Text

import clock
from answer import Refusal
from log import say
from settings import Settings

LEASE = 300  # Seconds that processing may take, before another attempt takes the event over.
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
    """Calls `process`, unless it was called for this id before. Says whether it did."""
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
        # What was done is done, recorded or not: a retry would be processed again.
        until = settings.remember_until(clock.now(), signed_at)
        attempt(database, COMPLETE, [Text(ident), integer(until)])
    return True


def claim(database, ident: str, now: int) -> int | None:
    """The claim's number. None where the id is claimed, or remembered as processed."""
    database.execute(CREATE, [])
    claimed = rows(database, CLAIM, [Text(ident), integer(now + LEASE), integer(now)])
    return claimed[0] if claimed else None


def release(database, ident: str, now: int):
    """Gives up what was claimed at `now`."""
    rows(database, RELEASE, [Text(ident), integer(now + LEASE)])


def check():
    """Raises where the database cannot be read."""
    with sqlite.open_default() as database:
        rows(database, "SELECT 1", [])


def attempt(database, statement: str, parameters: list):
    try:
        database.execute(statement, parameters)
    except Exception as error:
        say(f"the table of ids was not changed: {error!r}")


def integer(number: int) -> Value_Integer:
    """As SQLite has it, which is as far as 2**63."""
    return Value_Integer(min(number, 2**63 - 1))


def rows(database, statement: str, parameters: list) -> list[int]:
    """The first column, of numbers, of what the statement gives."""
    return [row.values[0].value for row in database.execute(statement, parameters).rows]
