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
use super::row::{digest, state};
use super::session::Session;
use crate::DeliveryFilter;

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

impl Search<'_> {
    /// Returns `columns` of up to `count` matching deliveries `d`, joined with `joins`.
    pub async fn run(
        &self,
        session: &Session,
        from: From,
        count: usize,
        columns: &str,
        joins: &str,
    ) -> Outcome<Vec<Row>> {
        let (From::Newest(mark) | From::Oldest(mark)) = from;
        let moment = |at: Option<Millis>, open| at.map_or(open, Millis::as_i64);
        let (begin, end) = (
            moment(self.filter.from, i64::MIN),
            moment(self.filter.to, i64::MAX),
        );
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let delivery: Option<Uuid> = self.filter.delivery.as_ref().and_then(digest);
        if self.filter.delivery.is_some() && delivery.is_none() {
            return Ok(Vec::new());
        }
        let (event, endpoint) = (self.filter.event.as_ref(), self.filter.endpoint.as_ref());
        let (event, endpoint) = (event.map(|id| id.as_str()), endpoint.map(|id| id.as_str()));
        let tenant = self.tenant.as_str();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![
            &tenant,
            &self.states,
            &begin,
            &end,
            &mark.at,
            &mark.key.event,
            &mark.key.endpoint,
            &count,
        ];
        let mut conditions = String::new();
        let filters: [(&dyn ToSqlOption, &str); 3] = [
            (&delivery, "d.id = "),
            (&event, "d.event = "),
            (&endpoint, "d.endpoint = "),
        ];
        for (value, condition) in filters {
            if let Some(value) = value.value() {
                params.push(value);
                let place = format!("${}", params.len());
                let value = match condition {
                    "d.id = " => place,
                    "d.event = " => {
                        format!("(SELECT key FROM events WHERE tenant = t.key AND id = {place})")
                    }
                    _ => {
                        format!("(SELECT key FROM endpoints WHERE tenant = t.key AND id = {place})")
                    }
                };
                conditions = format!("{conditions} AND {condition}{value}");
            }
        }
        let named = delivery.is_some() || event.is_some();
        let sql = statement(from, named, &conditions, columns, joins);
        session.rows(&sql, &params).await
    }
}

/// An optional parameter.
trait ToSqlOption {
    fn value(&self) -> Option<&(dyn ToSql + Sync)>;
}

impl<T: ToSql + Sync> ToSqlOption for Option<T> {
    fn value(&self) -> Option<&(dyn ToSql + Sync)> {
        self.as_ref().map(|value| value as &(dyn ToSql + Sync))
    }
}

/// Returns the text of a search. If the filter names a delivery or an event, that finds it, and not the
/// index by state and time.
fn statement(from: From, named: bool, conditions: &str, columns: &str, joins: &str) -> String {
    let unindexed = if named { " + 0" } else { "" };
    let (side, order) = match from {
        From::Newest(_) => ("<", "DESC"),
        From::Oldest(_) => (">", "ASC"),
    };
    let order = format!("ORDER BY d.created_at {order}, d.event {order}, d.endpoint {order}");
    format!(
        "SELECT {columns} FROM (
            SELECT d.* FROM tenants t CROSS JOIN unnest($2::smallint[]) s (state)
            CROSS JOIN LATERAL (
                SELECT d.* FROM deliveries d
                WHERE d.tenant{unindexed} = t.key AND d.state{unindexed} = s.state
                    AND d.created_at{unindexed} >= $3 AND d.created_at{unindexed} < $4
                    AND (d.created_at{unindexed}, d.event, d.endpoint) {side} ($5, $6, $7) {conditions}
                {order} LIMIT $8
            ) d
            WHERE t.id = $1 {order} LIMIT $8
        ) d {joins} {order}"
    )
}
