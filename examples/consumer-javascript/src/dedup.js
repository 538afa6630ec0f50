// Deduplication by `webhook-id`: each event is processed once, even if it is sent repeatedly.
//
// An id is claimed with one SQLite statement, so that of concurrent requests exactly one gets it. A
// processed id is remembered for as long as the sender retries and its signature is fresh; a failed
// one is released at once.

import { Connection } from "fermyon:spin/sqlite@2.0.0";
import { now } from "./clock.js";
import { Refusal } from "./response.js";
import { rememberUntil } from "./settings.js";

const LEASE = 300; // Seconds until another attempt may take over an id that is being processed.
const PRUNE_EVERY = 64;

const CREATE = `CREATE TABLE IF NOT EXISTS webhook_ids (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, until INTEGER NOT NULL, done INTEGER NOT NULL)`;
const CLAIM = `INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 0)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 0,
        seq = (SELECT max(seq) FROM webhook_ids) + 1 WHERE until < ?3
    RETURNING seq`;
const FIND = "SELECT done FROM webhook_ids WHERE id = ?1";
const COMPLETE = `INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 1)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 1`;
const RELEASE = "DELETE FROM webhook_ids WHERE id = ?1 AND until = ?2 AND done = 0";
const PRUNE = `DELETE FROM webhook_ids
    WHERE until < ?1 OR (done = 1 AND seq <= (SELECT max(seq) FROM webhook_ids) - ?2)`;

export const open = () => Connection.open("default");

// Calls `process`, unless the id was processed before. Returns true if it did.
export function once({ id, at }, settings, process) {
  const started = now();
  const database = open();
  const seq = claim(database, id, started);
  if (seq === undefined) {
    if (rows(database, FIND, [id])[0] === 1) return false;
    const headers = { "retry-after": "5" };
    throw new Refusal(409, "in-progress", "The event is being processed", { headers });
  }
  if (seq % PRUNE_EVERY === 0) attempt(database, PRUNE, [started, settings.seenIdsMax]);
  try {
    process();
  } catch (error) {
    release(database, id, started);
    throw error;
  }
  // A failure is only logged: the work is done, and an error would cause a retry that repeats it.
  attempt(database, COMPLETE, [id, rememberUntil(settings, now(), at)]);
  return true;
}

// Claims the id and returns the claim's number; none if it is already claimed or processed.
export function claim(database, id, started) {
  database.execute(CREATE, []);
  return rows(database, CLAIM, [id, started + LEASE, started])[0];
}

// Releases the claim that was made at `started`.
export function release(database, id, started) {
  rows(database, RELEASE, [id, started + LEASE]);
}

// Throws if the database cannot be read.
export function check() {
  rows(open(), "SELECT 1", []);
}

function attempt(database, statement, parameters) {
  try {
    rows(database, statement, parameters);
  } catch (error) {
    console.error("CONSUMER: the table of ids was not updated:", JSON.stringify(error.payload ?? String(error)));
  }
}

// Returns the first column of the statement's rows, as numbers.
function rows(database, statement, parameters) {
  const integer = (number) => BigInt(Math.min(number, Number.MAX_SAFE_INTEGER));
  const values = parameters.map((value) =>
    typeof value === "number" ? { tag: "integer", val: integer(value) } : { tag: "text", val: value },
  );
  return database.execute(statement, values).rows.map(({ values }) => Number(values[0].val));
}
