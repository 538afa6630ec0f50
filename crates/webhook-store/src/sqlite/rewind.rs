//! Corrects due times after a clock was set back.

use std::time::Duration;

use webhook_model::{Attempt, Millis};

use super::job::{FaultResult, Step, Tx};
use super::queue::{Effect, QueuePosition};
use super::row::{millis, state};

/// The maximum number of deliveries that a step reads.
const PART: usize = 500;

/// Selects an endpoint's deliveries that are due later than now, in the order of its queue.
const LATER: &str = "SELECT at, seq, made, attempts
    FROM deliveries INDEXED BY deliveries_due
    WHERE endpoint = ?1 AND state = 0 AND (at, seq) > (?2, ?3) ORDER BY at, seq LIMIT ?4";

/// Corrects waiting ordered deliveries, which have no attempt since they were planned or replayed.
const WAITING: &str = "UPDATE deliveries SET at = ?2 WHERE seq IN (
    SELECT seq FROM deliveries INDEXED BY deliveries_chained
    WHERE endpoint = ?1 AND chain IS NOT NULL AND state < 2 AND state = 1 AND at > ?2 LIMIT ?3)";

/// The progress of a correction: endpoint after endpoint, each in the order of its queue.
pub(super) struct Rewind {
    endpoint: i64,
    reached: QueuePosition,
    count: u64,
}

impl Default for Rewind {
    fn default() -> Self {
        Self {
            endpoint: 0,
            reached: START,
            count: 0,
        }
    }
}

const START: QueuePosition = QueuePosition {
    at: i64::MIN,
    seq: i64::MIN,
};

/// A delivery that is due later than now.
struct Later {
    position: QueuePosition,
    attempts_made: i64,
    attempts: Option<String>,
}

impl Rewind {
    pub fn step(&mut self, tx: &mut Tx<'_>, now: Millis) -> FaultResult<Step<u64>> {
        let mut left = PART;
        while left > 0 {
            let seen = self.of_endpoint(tx, now, left)?;
            if seen < left && !self.next_endpoint(tx)? {
                return Ok(Step::Done(self.count));
            }
            // Endpoints without deliveries take time too.
            left -= seen.max(1);
        }
        Ok(Step::More)
    }

    /// Corrects up to `most` deliveries of the endpoint. Returns the number that was read.
    fn of_endpoint(&mut self, tx: &mut Tx<'_>, now: Millis, most: usize) -> FaultResult<usize> {
        let waiting = (self.endpoint, now.as_i64(), most as i64);
        let seen = tx.sql.prepare_cached(WAITING)?.execute(waiting)?;
        let later = self.later(tx, now, most.saturating_sub(seen))?;
        for one in &later {
            self.reached = one.position;
            // A delivery in flight gets a new due time by its outcome, or when its claim is returned.
            if !tx.is_in_flight(one.position.seq) && one.rewind(tx, self.endpoint, now)? {
                self.count += 1;
            }
        }
        Ok(seen + later.len())
    }

    fn later(&self, tx: &Tx<'_>, now: Millis, most: usize) -> FaultResult<Vec<Later>> {
        let from = self.reached.max(QueuePosition {
            at: now.as_i64(),
            seq: i64::MAX,
        });
        let mut later = tx.sql.prepare_cached(LATER)?;
        let read = |row: &rusqlite::Row<'_>| {
            let (at, seq) = (row.get(0)?, row.get(1)?);
            Ok(Later {
                position: QueuePosition { at, seq },
                attempts_made: row.get(2)?,
                attempts: row.get(3)?,
            })
        };
        let rows = later.query_map((self.endpoint, from.at, from.seq, most as i64), read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Moves to the next endpoint. Returns false if there is none.
    fn next_endpoint(&mut self, tx: &Tx<'_>) -> FaultResult<bool> {
        let mut next = tx
            .sql
            .prepare_cached("SELECT min(key) FROM endpoints WHERE key > ?1")?;
        let next: Option<i64> = next.query_row([self.endpoint], |row| row.get(0))?;
        (self.endpoint, self.reached) = (next.unwrap_or(self.endpoint), START);
        Ok(next.is_some())
    }
}

impl Later {
    /// Corrects the due time. Returns whether it is earlier as a result.
    fn rewind(&self, tx: &mut Tx<'_>, endpoint_key: i64, now: Millis) -> FaultResult<bool> {
        let (at, attempts) = match self.attempts.as_deref().filter(|_| self.attempts_made > 0) {
            None => (now, None),
            Some(attempts) => match dated_back(attempts, now)? {
                Some((attempts, ended)) => {
                    let wait = millis(self.position.at).since(ended);
                    (now.after(wait), Some(attempts))
                }
                None => return Ok(false),
            },
        };
        let (at, seq) = (at.as_i64(), self.position.seq);
        let mut update = tx.sql.prepare_cached(
            "UPDATE deliveries SET at = ?2, attempts = coalesce(?3, attempts)
             WHERE seq = ?1 AND state = ?4",
        )?;
        update.execute((seq, at, attempts, state::DUE))?;
        let position = QueuePosition { at, seq };
        tx.then(Effect::Ready {
            endpoint_key,
            position,
        });
        Ok(true)
    }
}

/// Returns the attempts, dated back where they ended after `now`, and the moment at which the last
/// one ended; `None` if that is not after `now`.
fn dated_back(attempts: &str, now: Millis) -> FaultResult<Option<(String, Millis)>> {
    let mut all: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(&format!("[{attempts}]"))?;
    let mut last = Millis(0);
    for fields in &mut all {
        let attempt: Attempt = serde_json::from_value(fields.clone().into())?;
        let took = Duration::from_millis(attempt.duration_ms.into());
        last = attempt.at.after(took);
        let at = attempt.at.min(now.before(took));
        fields.insert("at".into(), at.0.into());
    }
    let all: Result<Vec<_>, _> = all.iter().map(serde_json::to_string).collect();
    Ok((last > now).then_some((all?.join(","), last)))
}
