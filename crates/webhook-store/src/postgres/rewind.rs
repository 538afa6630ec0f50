//! Corrects due times after a clock was set back.

use tokio_postgres::Row;
use webhook_model::Millis;

use super::PostgresStore;
use super::fault::FaultResult;
use super::row::column;
use super::session::{Session, query};
use super::store::{AT_A_TIME, call};
use crate::Result;

const ENDPOINTS: &str = "SELECT key FROM endpoints ORDER BY key";

/// Locks deliveries of an endpoint that are due later than now, from a position on. Returns when the
/// last attempt since they were planned or replayed ended; NULL if there is none.
const LATER: &str = "SELECT d.event, d.at, (
        SELECT a.at + a.duration_ms FROM attempts a
        WHERE a.event = d.event AND a.endpoint = d.endpoint AND a.number = d.attempts
            AND d.attempts > d.earlier
    )
    FROM deliveries d
    WHERE d.endpoint = $1 AND d.state = 0 AND (d.at, d.event) > ($2, $3)
    ORDER BY d.at, d.event LIMIT $4 FOR UPDATE";

const CORRECT: &str = "UPDATE deliveries d SET at = n.at
    FROM unnest($2::bigint[], $3::bigint[]) n (event, at)
    WHERE d.endpoint = $1 AND d.event = n.event AND d.state + 0 = 0";

/// Dates back attempts that ended after now.
const DATE_BACK: &str = "UPDATE attempts a SET at = greatest($3 - a.duration_ms, 0)
    FROM unnest($2::bigint[]) n (event)
    WHERE a.event = n.event AND a.endpoint = $1 AND a.at + a.duration_ms > $3";

/// Corrects waiting ordered deliveries, which have no attempt since they were planned or replayed.
const WAITING: &str = "UPDATE deliveries d SET at = $2
    FROM (
        SELECT event FROM deliveries WHERE endpoint = $1 AND state = 1 AND at > $2 LIMIT $3
    ) n
    WHERE d.endpoint = $1 AND d.event = n.event AND d.state + 0 = 1 RETURNING 1";

/// The result of a step: the number of corrected deliveries, and the position of the next step.
struct Step {
    count: u64,
    reached: Option<(i64, i64)>,
}

impl PostgresStore {
    pub(super) async fn rewind_all(&self, now: Millis) -> Result<u64> {
        let rows = call!(self, session => session.rows(ENDPOINTS, &[]).await)?;
        let endpoints: FaultResult<Vec<i32>> = rows.iter().map(|row| column(row, 0)).collect();
        let mut count = 0;
        for endpoint in endpoints.map_err(|fault| self.failed(fault))? {
            count += self.rewind_endpoint(endpoint, now.as_i64()).await?;
        }
        if count > 0 {
            self.listener.announce();
        }
        Ok(count)
    }

    async fn rewind_endpoint(&self, endpoint: i32, now: i64) -> Result<u64> {
        loop {
            let corrected = call!(self, session => {
                session.rows(WAITING, &[&endpoint, &now, &AT_A_TIME]).await
            })?;
            if corrected.is_empty() {
                break;
            }
        }
        let (mut reached, mut count) = (Some((now, i64::MAX)), 0);
        while let Some(from) = reached {
            let step = call!(self, session => {
                rewind_some(&session, endpoint, from, now).await
            })?;
            (reached, count) = (step.reached, count + step.count);
        }
        Ok(count)
    }
}

async fn rewind_some(
    session: &Session,
    endpoint: i32,
    (at, event): (i64, i64),
    now: i64,
) -> FaultResult<Step> {
    let mut later = session
        .begin(&[query(LATER, &[&endpoint, &at, &event, &AT_A_TIME])])
        .await?;
    let later = later.pop().unwrap_or_default();
    let (mut events, mut times) = (Vec::new(), Vec::new());
    let mut reached = None;
    for row in &later {
        let (event, at): (i64, i64) = (column(row, 0)?, column(row, 1)?);
        reached = Some((at, event));
        if let Some(corrected) = corrected(row, at, now)? {
            events.push(event);
            times.push(corrected);
        }
    }
    if (later.len() as i64) < AT_A_TIME {
        reached = None;
    }
    session
        .commit(&[
            query(CORRECT, &[&endpoint, &events, &times]),
            query(DATE_BACK, &[&endpoint, &events, &now]),
        ])
        .await?;
    Ok(Step {
        count: events.len() as u64,
        reached,
    })
}

/// Returns the corrected due time of a delivery; `None` if it is right.
fn corrected(row: &Row, at: i64, now: i64) -> FaultResult<Option<i64>> {
    Ok(match column::<Option<i64>>(row, 2)? {
        None => Some(now),
        // It keeps its wait, counted from now.
        Some(ended) if ended > now => Some(now.saturating_add((at - ended).max(0))),
        Some(_) => None,
    })
}
