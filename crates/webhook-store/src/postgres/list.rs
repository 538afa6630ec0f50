//! Reads lists of deliveries.

use bytes::Bytes;
use tokio_postgres::Row;
use webhook_model::{Delivery, DeliveryId, DeliveryState, EndpointId, TenantId};

use super::PostgresStore;
use super::attempts::{ATTEMPTS_OF, EXCHANGES, read_attempts, read_exchange};
use super::fault::FaultResult;
use super::mark::{Mark, page_until};
use super::row::{DeliveryKey, bytes, column, delivery_id, digest, event_id, millis, state, text};
use super::search::{From, Search, stored_states};
use super::store::call;
use crate::{Cursor, DeliveryFilter, Page, Result};

const COLUMNS: &str = "d.created_at, d.event, d.endpoint, d.id, e.id, e.kind, p.id, d.state, d.at,
    d.reason, a.times, a.durations, a.statuses, a.phases, a.errors";

const BODY: &str = "SELECT coalesce(b.body, e.data)
    FROM tenants t JOIN deliveries d ON d.tenant = t.key AND d.id = $2
    JOIN events e ON e.key = d.event
    LEFT JOIN bodies b ON b.event = d.event AND b.endpoint = d.endpoint
    WHERE t.id = $1";

impl PostgresStore {
    pub(super) async fn list_deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        let from = From::Newest(Mark::below(cursor)?);
        let search = Search {
            tenant,
            filter,
            states: stored_states(filter.state),
        };
        let joins = format!(
            "JOIN events e ON e.key = d.event JOIN endpoints p ON p.key = d.endpoint
             CROSS JOIN {ATTEMPTS_OF} a"
        );
        let count = limit.saturating_add(1);
        let found = call!(self, session => {
            search.run(&session, from, count, COLUMNS, &joins).await
        })?;
        let items: FaultResult<Vec<_>> = found.rows.iter().map(read).collect();
        let items = items.map_err(|fault| self.failed(fault))?;
        Ok(page_until(items, limit, found.reached))
    }

    pub(super) async fn find_delivery(
        &self,
        tenant: &TenantId,
        id: &DeliveryId,
    ) -> Result<Option<Delivery>> {
        let filter = DeliveryFilter {
            delivery: Some(id.clone()),
            ..DeliveryFilter::default()
        };
        let page = self.list_deliveries(tenant, &filter, None, 1).await?;
        let Some(mut delivery) = page.items.into_iter().next() else {
            return Ok(None);
        };
        let digest = digest(id);
        let exchanges = call!(self, session => session.rows(EXCHANGES, &[&digest]).await)?;
        // An exchange of an attempt that was recorded meanwhile is left out.
        for (attempt, row) in delivery.attempts.iter_mut().zip(&exchanges) {
            attempt.exchange = read_exchange(row).map_err(|fault| self.failed(fault))?;
        }
        Ok(Some(delivery))
    }

    pub(super) async fn find_body(
        &self,
        tenant: &TenantId,
        id: &DeliveryId,
    ) -> Result<Option<Bytes>> {
        let digest = digest(id);
        let rows = call!(self, session => {
            session.rows(BODY, &[&tenant.as_str(), &digest]).await
        })?;
        let body = rows.first().map(|row| bytes(row, 0)).transpose();
        body.map_err(|fault| self.failed(fault))
    }
}

/// Reads the position of a delivery.
pub(super) fn read_mark(row: &Row) -> FaultResult<Mark> {
    Ok(Mark {
        at: column(row, 0)?,
        key: DeliveryKey {
            event: column(row, 1)?,
            endpoint: column(row, 2)?,
        },
    })
}

fn read(row: &Row) -> FaultResult<(Mark, Delivery)> {
    let mark = read_mark(row)?;
    let stored: i16 = column(row, 7)?;
    let at = millis(column(row, 8)?);
    let delivery = Delivery {
        id: delivery_id(column(row, 3)?)?,
        event: event_id(row, 4)?,
        kind: column(row, 5)?,
        endpoint: EndpointId::parse(column(row, 6)?)?,
        state: match stored {
            state::IN_FLIGHT => DeliveryState::InFlight,
            state::SUCCEEDED => DeliveryState::Succeeded,
            state::DEAD => DeliveryState::Dead,
            _ => DeliveryState::Pending,
        },
        created_at: millis(mark.at),
        next_attempt_at: (stored == state::DUE).then_some(at),
        reason: column::<Option<&[u8]>>(row, 9)?.map(text),
        attempts: read_attempts(row, 10)?,
    };
    Ok((mark, delivery))
}
