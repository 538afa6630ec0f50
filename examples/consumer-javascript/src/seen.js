// The ids that were seen, so that an event is processed once however often it is sent.
//
// An id is claimed in one SQLite statement, so that of two requests that race one has it. What was
// processed is remembered for as long as the sender retries; what failed is forgotten at once.

import { Connection } from "fermyon:spin/sqlite@2.0.0";
import { get as variable } from "fermyon:spin/variables@2.0.0";
import { Refusal } from "./answer.js";
import { now } from "./clock.js";

const LEASE = 300; // Seconds that processing may take, before another attempt takes the event over.
const PRUNE_EVERY = 64;

const CREATE = `CREATE TABLE IF NOT EXISTS webhook_ids (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, until INTEGER NOT NULL, done INTEGER NOT NULL)`;
const CLAIM = `INSERT INTO webhook_ids (id, until, done) VALUES (?1, ?2, 0)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until, done = 0 WHERE until < ?3
    RETURNING seq`;
const FIND = "SELECT done FROM webhook_ids WHERE id = ?1";
const COMPLETE = "UPDATE webhook_ids SET until = ?2, done = 1 WHERE id = ?1";
const RELEASE = "DELETE FROM webhook_ids WHERE id = ?1 AND until = ?2 AND done = 0";
const PRUNE = `DELETE FROM webhook_ids
    WHERE until < ?1 OR seq <= (SELECT max(seq) FROM webhook_ids) - ?2`;

// Calls `process`, unless it was called for this id before. Says whether it did.
export function once(id, process) {
  const started = now();
  const database = Connection.open("default");
  database.execute(CREATE, []);
  const [seq] = rows(database, CLAIM, [id, started + LEASE, started]);
  if (seq === undefined) {
    if (rows(database, FIND, [id])[0] === 1) return false;
    const headers = { "retry-after": "5" };
    throw new Refusal(409, "in-progress", "The event is being processed", { headers });
  }
  if (seq % PRUNE_EVERY === 0) rows(database, PRUNE, [started, Number(variable("seen_ids_max"))]);
  try {
    process();
  } catch (error) {
    rows(database, RELEASE, [id, started + LEASE]);
    throw error;
  }
  rows(database, COMPLETE, [id, started + Number(variable("retry_horizon_seconds"))]);
  return true;
}

// The first column, of numbers, of what the statement gives.
function rows(database, statement, parameters) {
  const values = parameters.map((value) =>
    typeof value === "number" ? { tag: "integer", val: BigInt(value) } : { tag: "text", val: value },
  );
  return database.execute(statement, values).rows.map(({ values }) => Number(values[0].val));
}
