//! Searches for the deliveries that match a filter.
//!
//! The index of a tenant's deliveries is by state, then by time. A search reads a page of each state
//! that the filter selects, and merges them: its cost is that of a page, whatever the store contains.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;
use webhook_model::{DeliveryState, Millis, TenantId};

use super::fault::FaultResult;
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
#[derive(Default)]
pub(super) struct Found {
    pub rows: Vec<Row>,
    /// The position at which the search stopped, because it had examined as many deliveries as a call
    /// may. `None` at the end of the list, or if it has found as many as were wanted.
    pub reached: Option<Mark>,
}

/// The number of deliveries that a call examines to find those of an endpoint. Their rows are not read.
const MAX_OF_ENDPOINT: usize = 4 * MAX_EXAMINED;

impl Search<'_> {
    /// Returns `columns` of up to `count` matching deliveries `d`, joined with `joins`.
    pub async fn run(
        &self,
        session: &Session,
        from: From,
        count: usize,
        columns: &str,
        joins: &str,
    ) -> FaultResult<Found> {
        let filter = self.filter;
        let delivery: Option<Uuid> = filter.delivery.as_ref().and_then(digest);
        if filter.delivery.is_some() && delivery.is_none() {
            return Ok(Found::default());
        }
        let event = filter.event.as_ref().map(|id| id.as_str());
        let endpoint = filter.endpoint.as_ref().map(|id| id.as_str());
        let statuses = filter.status.map(StatusFilter::range);
        let (low, high) = statuses
            .map(|(low, high)| (i32::from(low), i32::from(high)))
            .unzip();
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let examined = self.most(count);
        let (most, wanted) = (number(examined), number(count));
        let tenant = self.tenant.as_str();
        let (mark, limit) = bounds(filter, from);
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![
            &tenant,
            &limit,
            &mark.at,
            &mark.key.event,
            &mark.key.endpoint,
            &most,
        ];
        let mut named = String::new();
        add(&mut named, &mut params, "d.id = {}", value(&delivery));
        add(&mut named, &mut params, OF_EVENT, value(&event));
        let mut conditions = String::new();
        for (condition, value) in [
            (OF_ENDPOINT, value(&endpoint)),
            (OF_KIND, value(&filter.kind)),
            ("d.status >= {}", value(&low)),
            ("d.status <= {}", value(&high)),
        ] {
            add(&mut conditions, &mut params, condition, value);
        }
        let candidates = Candidates {
            states: &self.states,
            named: &named,
            are_failed: self.is_failed(),
            from,
        };
        if conditions.is_empty() {
            let sql = plain(&candidates, columns, joins);
            let rows = session.rows(&sql, &params).await?;
            return Ok(Found {
                rows,
                reached: None,
            });
        }
        params.push(&wanted);
        let sql = filtered(&candidates, &conditions, params.len(), columns, joins);
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

    /// Returns whether the deliveries match, of any state, whose last attempt failed.
    fn is_failed(&self) -> bool {
        let range = self.filter.status.map(StatusFilter::range);
        self.filter.state.is_none() && range.is_some_and(|(low, high)| high < 200 || low > 299)
    }
}

/// Returns the position at which a search starts, and the time at which it ends. The filter's time at the
/// start moves the position: as another condition, it would have the index read from the position on.
fn bounds(filter: &DeliveryFilter, from: From) -> (Mark, i64) {
    let begin = filter.from.map(Millis::as_i64);
    let end = filter.to.map(Millis::as_i64);
    match from {
        From::Newest(mark) => {
            let before = |at| Mark { at, ..Mark::BOTTOM };
            (
                end.map_or(mark, |end| mark.min(before(end))),
                begin.unwrap_or(i64::MIN),
            )
        }
        From::Oldest(mark) => {
            let behind = |at: i64| Mark {
                at: at.saturating_sub(1),
                ..Mark::TOP
            };
            (
                begin.map_or(mark, |begin| mark.max(behind(begin))),
                end.unwrap_or(i64::MAX),
            )
        }
    }
}

impl Found {
    /// Reads the rows of [`filtered`].
    fn read(rows: Vec<Row>, count: usize, examined: usize) -> FaultResult<Self> {
        let Some(first) = rows.first() else {
            return Ok(Self::default());
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

const OF_EVENT: &str = "d.event = (
        SELECT e.key FROM events e JOIN tenants t ON t.key = e.tenant WHERE t.id = $1 AND e.id = {}
    )";

const OF_ENDPOINT: &str = "c.endpoint = (
        SELECT p.key FROM endpoints p JOIN tenants t ON t.key = p.tenant WHERE t.id = $1 AND p.id = {}
    )";

const OF_KIND: &str = "(SELECT e.kind FROM events e WHERE e.key = c.event) = {}";

/// The deliveries that a search examines.
struct Candidates<'a> {
    states: &'a [i16],
    /// Conditions that name a delivery or an event: these find it, and not an index by time.
    named: &'a str,
    /// True if the index of those whose last attempt failed finds them, and not that by state.
    are_failed: bool,
    from: From,
}

impl Candidates<'_> {
    /// Returns the text that selects `columns` of up to `$6` of them in order.
    ///
    /// Reads each state in the order of its index, with a limit. The server then merges the states, and
    /// sorts no deliveries that the page does not need.
    fn select(&self, columns: &str) -> String {
        let of_state = |state: &i16| self.select_where(columns, &format!("d.state = {state}"));
        let failed = "d.status NOT BETWEEN 200 AND 299";
        let parts = match (self.named.is_empty(), self.are_failed) {
            (false, _) => vec![self.select_where(columns, &self.is_of_state())],
            (true, true) => vec![self.select_where(columns, failed)],
            (true, false) => self.states.iter().map(of_state).collect(),
        };
        let (parts, order) = (parts.join(" UNION ALL "), order(self.from, "d"));
        format!("SELECT d.* FROM ({parts}) d {order} LIMIT $6")
    }

    /// Returns the text that selects those with a state or a status.
    fn select_where(&self, columns: &str, condition: &str) -> String {
        let (named, unindexed) = match self.named {
            "" => ("", ""),
            named => (named, " + 0"),
        };
        let (side, end) = match self.from {
            From::Newest(_) => ("<", ">="),
            From::Oldest(_) => (">", "<"),
        };
        let order = order(self.from, "d");
        format!(
            "(SELECT {columns} FROM deliveries d
            WHERE d.tenant{unindexed} = (SELECT key FROM tenants WHERE id = $1)
                AND {condition} AND d.created_at{unindexed} {end} $2
                AND (d.created_at{unindexed}, d.event, d.endpoint) {side} ($3, $4, $5) {named}
            {order} LIMIT $6)"
        )
    }

    /// Returns the condition that a delivery has one of the states.
    fn is_of_state(&self) -> String {
        let states: Vec<_> = self.states.iter().map(i16::to_string).collect();
        format!("d.state + 0 IN ({})", states.join(", "))
    }
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

/// Returns the text of a search without conditions on the candidates.
fn plain(candidates: &Candidates<'_>, columns: &str, joins: &str) -> String {
    let (order, candidates) = (order(candidates.from, "d"), candidates.select("d.*"));
    format!("SELECT {columns} FROM ({candidates}) d {joins} {order}")
}

/// Returns the text of a search with conditions on the candidates. Each row ends with the position of
/// the last candidate and the number of candidates. If none matches, there is one row with only these.
///
/// `OFFSET 0` keeps the server from reading the whole table for a few rows, and from sorting the
/// candidates after it has read all of their rows.
fn filtered(
    candidates: &Candidates<'_>,
    conditions: &str,
    limit: usize,
    columns: &str,
    joins: &str,
) -> String {
    let from = candidates.from;
    let (order_c, order_d) = (order(from, "c"), order(from, "d"));
    let last = order(reversed(from), "c");
    let (is_of_state, candidates) = (
        candidates.is_of_state(),
        candidates.select("d.created_at, d.event, d.endpoint"),
    );
    format!(
        "WITH c AS MATERIALIZED ({candidates}), f AS MATERIALIZED (
            SELECT d.* FROM (SELECT c.* FROM c {order_c} OFFSET 0) c CROSS JOIN LATERAL (
                SELECT d.* FROM deliveries d
                WHERE d.event = c.event AND d.endpoint = c.endpoint OFFSET 0
            ) d
            WHERE {is_of_state} {conditions} {order_c} LIMIT ${limit}
        )
        SELECT {columns}, l.created_at, l.event, l.endpoint, l.number
        FROM (
            SELECT c.created_at, c.event, c.endpoint, (SELECT count(*) FROM c) AS number
            FROM c {last} LIMIT 1
        ) l LEFT JOIN (f d {joins}) ON true {order_d}"
    )
}
