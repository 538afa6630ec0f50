//! Searches for the deliveries that match a filter.
//!
//! The index of a tenant's deliveries is by state, then by time. A search reads a page of each state
//! that the filter selects, and merges them: its cost is that of a page, whatever the store contains.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;
use webhook_model::{DeliveryState, Millis, TenantId};

use super::fault::Outcome;
use super::mark::Mark;
use super::row::{DeliveryKey, column, digest, state};
use super::session::Session;
use crate::{DeliveryFilter, MAX_EXAMINED, StatusFilter};

/// The order of a search, and its start.
#[derive(Clone, Copy)]
pub(super) enum From {
    /// Below a mark, the newest first.
    Newest(Mark),
    /// Above a mark, the oldest first.
    Oldest(Mark),
}

/// Returns the stored states of a state.
pub(super) fn stored_states(wanted: Option<DeliveryState>) -> Vec<i16> {
    match wanted {
        Some(DeliveryState::Pending) => vec![state::DUE, state::WAITING],
        Some(DeliveryState::InFlight) => vec![state::IN_FLIGHT],
        Some(DeliveryState::Succeeded) => vec![state::SUCCEEDED],
        Some(DeliveryState::Dead) => vec![state::DEAD],
        None => (state::DUE..=state::DEAD).collect(),
    }
}

/// A search for deliveries of a tenant in these stored states.
pub(super) struct Search<'a> {
    pub tenant: &'a TenantId,
    pub filter: &'a DeliveryFilter,
    pub states: Vec<i16>,
}

/// The deliveries that a search has found, in its order.
pub(super) struct Found {
    pub rows: Vec<Row>,
    /// The position at which the search stopped, because it had examined as many deliveries as a call
    /// may. `None` at the end of the list, or if it has found as many as were wanted.
    pub reached: Option<Mark>,
}

/// The number of deliveries that a call examines to find those of an endpoint. Their rows are not read.
const MAX_OF_ENDPOINT: usize = 2 * MAX_EXAMINED;

impl Search<'_> {
    /// Returns `columns` of up to `count` matching deliveries `d`, joined with `joins`.
    pub async fn run(
        &self,
        session: &Session,
        from: From,
        count: usize,
        columns: &str,
        joins: &str,
    ) -> Outcome<Found> {
        let (From::Newest(mark) | From::Oldest(mark)) = from;
        let filter = self.filter;
        let moment = |at: Option<Millis>, open| at.map_or(open, Millis::as_i64);
        let (begin, end) = (moment(filter.from, i64::MIN), moment(filter.to, i64::MAX));
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let delivery: Option<Uuid> = filter.delivery.as_ref().and_then(digest);
        if filter.delivery.is_some() && delivery.is_none() {
            return Ok(Found {
                rows: Vec::new(),
                reached: None,
            });
        }
        let event = filter.event.as_ref().map(|id| id.as_str());
        let endpoint = filter.endpoint.as_ref().map(|id| id.as_str());
        let statuses = filter.status.map(StatusFilter::range);
        let (low, high) = statuses
            .map(|(low, high)| (i32::from(low), i32::from(high)))
            .unzip();
        let tenant = self.tenant.as_str();
        let examined = self.most(count);
        let (most, wanted) = (number(examined), number(count));
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![
            &tenant,
            &self.states,
            &begin,
            &end,
            &mark.at,
            &mark.key.event,
            &mark.key.endpoint,
            &most,
        ];
        let mut named = String::new();
        add(&mut named, &mut params, "d.id = {}", value(&delivery));
        let of_event = "d.event = (SELECT key FROM events WHERE tenant = t.key AND id = {})";
        add(&mut named, &mut params, of_event, value(&event));
        let mut conditions = String::new();
        for (condition, value) in [
            (OF_ENDPOINT, value(&endpoint)),
            (
                "(SELECT e.kind FROM events e WHERE e.key = c.event) = {}",
                value(&filter.kind),
            ),
            ("d.status >= {}", value(&low)),
            ("d.status <= {}", value(&high)),
        ] {
            add(&mut conditions, &mut params, condition, value);
        }
        let index = if named.is_empty() && self.is_failed() {
            Index::Failed
        } else {
            Index::ByState
        };
        if conditions.is_empty() {
            let sql = plain(
                &candidates(index, from, &named, "d.*"),
                from,
                columns,
                joins,
            );
            let rows = session.rows(&sql, &params).await?;
            return Ok(Found {
                rows,
                reached: None,
            });
        }
        params.push(&wanted);
        let candidates = candidates(index, from, &named, "d.created_at, d.event, d.endpoint");
        let sql = filtered(&candidates, &conditions, params.len(), from, columns, joins);
        let rows = session.rows(&sql, &params).await?;
        Found::read(rows, count, examined)
    }

    /// Returns the number of candidates to examine.
    fn most(&self, count: usize) -> usize {
        let filter = self.filter;
        match (&filter.kind, filter.status, &filter.endpoint) {
            (None, None, None) => count,
            (None, None, Some(_)) => MAX_OF_ENDPOINT.max(count),
            _ => MAX_EXAMINED.max(count),
        }
    }

    /// Returns whether only deliveries match whose last attempt failed.
    fn is_failed(&self) -> bool {
        let range = self.filter.status.map(StatusFilter::range);
        range.is_some_and(|(low, high)| high < 200 || low > 299)
    }
}

impl Found {
    /// Reads the rows of [`filtered`].
    fn read(rows: Vec<Row>, count: usize, examined: usize) -> Outcome<Self> {
        let Some(first) = rows.first() else {
            return Ok(Self {
                rows,
                reached: None,
            });
        };
        let end = first.len() - 4;
        let last = Mark {
            at: column(first, end)?,
            key: DeliveryKey {
                event: column(first, end + 1)?,
                endpoint: column(first, end + 2)?,
            },
        };
        let candidates: i64 = column(first, end + 3)?;
        let nothing_matched = column::<Option<i64>>(first, 1)?.is_none();
        let rows = if nothing_matched { Vec::new() } else { rows };
        let has_more = candidates >= i64::try_from(examined).unwrap_or(i64::MAX);
        Ok(Self {
            reached: (has_more && rows.len() < count).then_some(last),
            rows,
        })
    }
}

const OF_ENDPOINT: &str = "c.endpoint = (
        SELECT p.key FROM endpoints p JOIN tenants t ON t.key = p.tenant WHERE t.id = $1 AND p.id = {}
    )";

/// The index that finds candidates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Index {
    /// By state, then by time.
    ByState,
    /// The deliveries whose last attempt failed, by time.
    Failed,
}

fn value<T: ToSql + Sync>(value: &Option<T>) -> Option<&(dyn ToSql + Sync)> {
    value.as_ref().map(|value| value as &(dyn ToSql + Sync))
}

/// Adds a condition, in which `{}` stands for the value, if there is one.
fn add<'a>(
    conditions: &mut String,
    params: &mut Vec<&'a (dyn ToSql + Sync)>,
    condition: &str,
    value: Option<&'a (dyn ToSql + Sync)>,
) {
    if let Some(value) = value {
        params.push(value);
        let place = format!("${}", params.len());
        conditions.push_str(" AND ");
        conditions.push_str(&condition.replace("{}", &place));
    }
}

fn order(from: From, of: &str) -> String {
    let order = match from {
        From::Newest(_) => "DESC",
        From::Oldest(_) => "ASC",
    };
    format!("ORDER BY {of}.created_at {order}, {of}.event {order}, {of}.endpoint {order}")
}

fn reversed(from: From) -> From {
    match from {
        From::Newest(mark) => From::Oldest(mark),
        From::Oldest(mark) => From::Newest(mark),
    }
}

/// Returns the text that selects `columns` of up to `$8` deliveries in order. If the filter names a
/// delivery or an event, that finds them, and not an index by time.
fn candidates(index: Index, from: From, named: &str, columns: &str) -> String {
    let unindexed = if named.is_empty() { "" } else { " + 0" };
    let side = match from {
        From::Newest(_) => "<",
        From::Oldest(_) => ">",
    };
    let order = order(from, "d");
    let (states, condition) = match index {
        Index::ByState => (
            "CROSS JOIN unnest($2::smallint[]) s (state)",
            format!("d.state{unindexed} = s.state"),
        ),
        Index::Failed => (
            "",
            "d.status NOT BETWEEN 200 AND 299 AND d.state + 0 = ANY($2::smallint[])".to_owned(),
        ),
    };
    format!(
        "SELECT d.* FROM tenants t {states}
        CROSS JOIN LATERAL (
            SELECT {columns} FROM deliveries d
            WHERE d.tenant{unindexed} = t.key AND {condition}
                AND d.created_at{unindexed} >= $3 AND d.created_at{unindexed} < $4
                AND (d.created_at{unindexed}, d.event, d.endpoint) {side} ($5, $6, $7) {named}
            {order} LIMIT $8
        ) d
        WHERE t.id = $1 {order} LIMIT $8"
    )
}

/// Returns the text of a search without conditions on the candidates.
fn plain(candidates: &str, from: From, columns: &str, joins: &str) -> String {
    let order = order(from, "d");
    format!("SELECT {columns} FROM ({candidates}) d {joins} {order}")
}

/// Returns the text of a search with conditions on the candidates. Each row ends with the position of
/// the last candidate and the number of candidates. If none matches, there is one row with only these.
/// The nested `LATERAL` keeps the server from reading the whole table for a few rows.
fn filtered(
    candidates: &str,
    conditions: &str,
    limit: usize,
    from: From,
    columns: &str,
    joins: &str,
) -> String {
    let (order_d, last) = (order(from, "d"), order(reversed(from), "c"));
    format!(
        "WITH c AS MATERIALIZED ({candidates}), f AS MATERIALIZED (
            SELECT d.* FROM c CROSS JOIN LATERAL (
                SELECT d.* FROM deliveries d
                WHERE d.event = c.event AND d.endpoint = c.endpoint OFFSET 0
            ) d
            WHERE true {conditions} {order_d} LIMIT ${limit}
        )
        SELECT {columns}, l.created_at, l.event, l.endpoint, l.number
        FROM (
            SELECT c.created_at, c.event, c.endpoint, (SELECT count(*) FROM c) AS number
            FROM c {last} LIMIT 1
        ) l LEFT JOIN (f d {joins}) ON true {order_d}"
    )
}
