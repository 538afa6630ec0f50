//! Keeps accepted events, and takes them for planning.
//!
//! The shared set of tenants with accepted events is a hint: a tenant is added before its first event
//! is accepted, and removed when no event was found. As an event may be accepted in between, the
//! tenant's list is checked again after the removal.

use bytes::Bytes;

use super::RedisStore;
use super::event_record::{read_event, write_event};
use super::keys::{self, TenantKeys};
use super::scripts::{ACCEPT, BEGIN_PLANNING, DISCARD_ACCEPTED, END_PLANNING};
use super::store::{AT_A_TIME, tenant_call};
use crate::{Acceptance, AcceptedEvent, PLANNING_BYTES, Result, StoreError};
use webhook_model::{Event, EventId, Millis, Owner, TenantId};

/// The maximum number of bytes in one script call, unless a single event has more.
const BYTES_AT_A_TIME: usize = 8 << 20;

impl RedisStore {
    pub(super) async fn accept_events(
        &self,
        tenant: &TenantId,
        events: &[Event],
        now: Millis,
    ) -> Result<Vec<Acceptance>> {
        self.hint_backlog(tenant).await?;
        let mut results = Vec::with_capacity(events.len());
        let mut rest = events;
        while !rest.is_empty() {
            let (some, others) = rest.split_at(within_bounds(rest));
            results.extend(self.accept_some(tenant, some, now).await?);
            rest = others;
        }
        Ok(results)
    }

    async fn accept_some(
        &self,
        tenant: &TenantId,
        events: &[Event],
        now: Millis,
    ) -> Result<Vec<Acceptance>> {
        let bytes: usize = events.iter().map(|event| event.data.len() + 256).sum();
        let root = TenantKeys::of(tenant).root();
        let mut call = ACCEPT.call_sized(&root, 1 + 2 * events.len(), bytes);
        call.arg(self.event_scores.first(now, events.len()));
        for event in events {
            call.arg(event.id.as_str())
                .arg(write_event(event, now, &[]));
        }
        let mut reply: Vec<redis::Value> = self.run(&ACCEPT, &call).await?;
        let codes = reply.split_off(reply.len().min(1));
        if self.text(reply.pop())? == "unknown" {
            return Err(StoreError::UnknownTenant(tenant.clone()));
        }
        let acceptance = |code| {
            let code: i64 = redis::from_redis_value(code).map_err(|error| self.failed(error))?;
            Ok(match code {
                1 => Acceptance::New,
                0 => Acceptance::Known,
                _ => Acceptance::Conflict,
            })
        };
        codes.into_iter().map(acceptance).collect()
    }

    pub(super) async fn tenants_with_backlog(&self) -> Result<Vec<TenantId>> {
        let mut command = redis::cmd("SMEMBERS");
        command.arg(keys::backlog());
        let ids: Vec<String> = self.query(&command).await?;
        let tenants = ids.iter().filter_map(|id| TenantId::parse(id).ok());
        Ok(tenants.collect())
    }

    pub(super) async fn take_accepted(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        limit: usize,
    ) -> Result<Vec<AcceptedEvent>> {
        let mut call = tenant_call(&BEGIN_PLANNING, tenant);
        call.arg(&owner.incarnation).arg(limit).arg(PLANNING_BYTES);
        let mut reply: Vec<redis::Value> = self.run(&BEGIN_PLANNING, &call).await?;
        let rows = reply.split_off(reply.len().min(1));
        if self.text(reply.pop())? == "empty" {
            self.remove_backlog_hint(tenant).await?;
        }
        let mut taken = Vec::with_capacity(rows.len() / 3);
        for row in rows.chunks(3) {
            match self.read_accepted(row) {
                Ok(accepted) => taken.push(accepted),
                Err(error) => {
                    // An unreadable event would block the tenant for ever.
                    tracing::error!(%tenant, %error, "accepted event removed: it cannot be read");
                    let id = self.text(row.first().cloned())?;
                    let id = EventId::parse(&id).map_err(|error| self.failed(error))?;
                    self.remove_accepted(tenant, &id, 0).await?;
                }
            }
        }
        Ok(taken)
    }

    fn read_accepted(&self, row: &[redis::Value]) -> Result<AcceptedEvent> {
        let row = redis::Value::Array(row.to_vec());
        let (id, tries, bytes): (String, String, Vec<u8>) =
            redis::from_redis_value(row).map_err(|error| self.failed(error))?;
        let id = EventId::parse(&id).map_err(|error| self.failed(error))?;
        let stored = read_event(&id, &Bytes::from(bytes)).map_err(|error| self.failed(error))?;
        Ok(AcceptedEvent {
            event: stored.event,
            tries: tries.parse().unwrap_or(u32::MAX),
        })
    }

    pub(super) async fn end_planning_of(
        &self,
        owner: &Owner,
        tenant: &TenantId,
        untried: &[EventId],
    ) -> Result<()> {
        let mut call = tenant_call(&END_PLANNING, tenant);
        call.arg(&owner.incarnation);
        for id in untried {
            call.arg(id.as_str());
        }
        self.run::<i64>(&END_PLANNING, &call).await.map(drop)
    }

    pub(super) async fn remove_accepted(
        &self,
        tenant: &TenantId,
        event: &EventId,
        tries: u32,
    ) -> Result<()> {
        let mut call = tenant_call(&DISCARD_ACCEPTED, tenant);
        call.arg(event.as_str()).arg(tries);
        self.run::<i64>(&DISCARD_ACCEPTED, &call).await.map(drop)
    }

    /// Adds the hint that a tenant may have accepted events.
    pub(super) async fn hint_backlog(&self, tenant: &TenantId) -> Result<()> {
        let mut command = redis::cmd("SADD");
        command.arg(keys::backlog()).arg(tenant.as_str());
        self.query::<i64>(&command).await.map(drop)
    }

    async fn remove_backlog_hint(&self, tenant: &TenantId) -> Result<()> {
        let mut remove = redis::cmd("SREM");
        remove.arg(keys::backlog()).arg(tenant.as_str());
        self.query::<i64>(&remove).await?;
        let mut length = redis::cmd("LLEN");
        length.arg(TenantKeys::of(tenant).accepted());
        match self.query::<u64>(&length).await? {
            0 => Ok(()),
            _ => self.hint_backlog(tenant).await,
        }
    }

    fn text(&self, value: Option<redis::Value>) -> Result<String> {
        let value = value.unwrap_or(redis::Value::Nil);
        redis::from_redis_value(value).map_err(|error| self.failed(error))
    }
}

/// Returns the number of events that fit into one call.
fn within_bounds(events: &[Event]) -> usize {
    let mut bytes = 0;
    let fits = |event: &&Event| {
        bytes += event.data.len();
        bytes <= BYTES_AT_A_TIME
    };
    let fitting = events.iter().take(AT_A_TIME).take_while(fits).count();
    fitting.clamp(1, events.len())
}
