//! The rows of attempts.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use webhook_model::{Attempt, Exchange, Phase};

use super::fault::{Fault, FaultResult};
use super::row::{DeliveryKey, claim_number, column, millis, text};
use crate::Fence;

/// Attempts to keep, by columns.
#[derive(Default)]
pub(super) struct AttemptColumns<'a> {
    events: Vec<i64>,
    endpoints: Vec<i32>,
    numbers: Vec<i32>,
    claims: Vec<i64>,
    times: Vec<i64>,
    durations: Vec<i64>,
    statuses: Vec<Option<i32>>,
    phases: Vec<Option<&'static str>>,
    errors: Vec<Option<&'a [u8]>>,
    exchanges: Vec<Option<&'a [u8]>>,
}

impl<'a> AttemptColumns<'a> {
    /// The statement that inserts them.
    pub const INSERT: &'static str = "INSERT INTO attempts
            (event, endpoint, number, claim, at, duration_ms, status, phase, error, exchange)
        SELECT * FROM unnest($1::bigint[], $2::int[], $3::int[], $4::bigint[], $5::bigint[],
            $6::bigint[], $7::int[], $8::text[], $9::bytea[], $10::bytea[])";

    /// Adds an attempt, without its exchange if the event of its delivery was erased.
    pub fn add(
        &mut self,
        key: DeliveryKey,
        number: i32,
        fence: Fence,
        attempt: &'a Attempt,
        is_erased: bool,
    ) {
        self.events.push(key.event);
        self.endpoints.push(key.endpoint);
        self.numbers.push(number);
        self.claims.push(claim_number(fence));
        self.times.push(attempt.at.as_i64());
        self.durations.push(attempt.duration_ms.into());
        self.statuses.push(attempt.status.map(i32::from));
        self.phases.push(attempt.phase.map(Phase::name));
        self.errors
            .push(attempt.error.as_deref().map(str::as_bytes));
        let exchange = Some(&attempt.exchange.as_bytes()[..]);
        self.exchanges
            .push(exchange.filter(|bytes| !bytes.is_empty() && !is_erased));
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Returns the parameters of [`Self::INSERT`].
    pub fn params(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.events,
            &self.endpoints,
            &self.numbers,
            &self.claims,
            &self.times,
            &self.durations,
            &self.statuses,
            &self.phases,
            &self.errors,
            &self.exchanges,
        ]
    }
}

/// Selects the attempts of a delivery `d` as one row of arrays.
pub(super) const ATTEMPTS_OF: &str = "LATERAL (
        SELECT array_agg(a.at ORDER BY a.number) AS times,
            array_agg(a.duration_ms ORDER BY a.number) AS durations,
            array_agg(a.status ORDER BY a.number) AS statuses,
            array_agg(a.phase ORDER BY a.number) AS phases,
            array_agg(a.error ORDER BY a.number) AS errors
        FROM attempts a WHERE a.event = d.event AND a.endpoint = d.endpoint
    )";

/// The number of columns of [`ATTEMPTS_OF`].
const COLUMNS: usize = 5;

/// Selects the exchanges of the delivery with an id in the order of its attempts.
pub(super) const EXCHANGES: &str = "SELECT a.exchange, a.response
    FROM deliveries d JOIN attempts a ON a.event = d.event AND a.endpoint = d.endpoint
    WHERE d.id = $1 ORDER BY a.number";

/// Reads a row of [`EXCHANGES`].
pub(super) fn read_exchange(row: &Row) -> FaultResult<Exchange> {
    if let Some(exchange) = column::<Option<Vec<u8>>>(row, 0)? {
        return Ok(Exchange::from_stored(exchange.into()));
    }
    let response = column::<Option<&[u8]>>(row, 1)?.map(text);
    Ok(response.map_or_else(Exchange::default, |text| Exchange::of_text(&text)))
}

/// Reads the columns of [`ATTEMPTS_OF`], without exchanges, from column `first` on.
pub(super) fn read_attempts(row: &Row, first: usize) -> FaultResult<Vec<Attempt>> {
    let times = column::<Option<Vec<i64>>>(row, first)?.unwrap_or_default();
    let durations = column::<Option<Vec<i64>>>(row, first + 1)?.unwrap_or_default();
    let statuses = column::<Option<Vec<Option<i32>>>>(row, first + 2)?.unwrap_or_default();
    let phases = column::<Option<Vec<Option<&str>>>>(row, first + 3)?.unwrap_or_default();
    let errors =
        column::<Option<Vec<Option<&[u8]>>>>(row, first + COLUMNS - 1)?.unwrap_or_default();
    let attempt = |n: usize| {
        Ok(Attempt {
            at: millis(times[n]),
            status: statuses[n].and_then(|status| u16::try_from(status).ok()),
            error: errors[n].map(text),
            phase: phases[n].map(phase).transpose()?,
            duration_ms: u32::try_from(durations[n]).unwrap_or(u32::MAX),
            exchange: Exchange::default(),
        })
    };
    // The arrays are aggregates of the same rows.
    (0..times.len()).map(attempt).collect()
}

fn phase(name: &str) -> FaultResult<Phase> {
    let named = Phase::ALL.into_iter().find(|phase| phase.name() == name);
    named.ok_or_else(|| Fault::Unreadable(format!("`{name}` is not a phase")))
}
