//! Looks up deliveries and events by id.

use bytes::Bytes;
use webhook_model::{Delivery, DeliveryId, Event, EventId, TenantId};

use super::RedisStore;
use super::encoding::Unreadable;
use super::event_record::{StoredEvent, event_without_data, read_event};
use super::keys::TenantKeys;
use super::record::Record;
use super::scripts::EVENT_HEADS;
use super::store::tenant_call;
use crate::Result;

/// An event with empty data. Its data is not read, because the events of a page may exceed the memory.
pub(super) struct EventHead {
    pub event: Event,
    pub erased: bool,
}

impl RedisStore {
    pub(super) async fn find_delivery(
        &self,
        tenant: &TenantId,
        id: &DeliveryId,
    ) -> Result<Option<Delivery>> {
        let mut command = redis::cmd("GET");
        command.arg(TenantKeys::of(tenant).delivery(id));
        let Some(bytes) = self.query::<Option<Vec<u8>>>(&command).await? else {
            return Ok(None);
        };
        let record = Record::read(id, &bytes).map_err(|error| self.failed(error))?;
        let events = [record.event.clone()];
        let head = self.event_heads(tenant, None, &events).await?.pop();
        // The type is empty if the event was deleted.
        let kind = head.flatten().map(|head| head.event.kind);
        Ok(Some(
            record.into_delivery(id.clone(), kind.unwrap_or_default()),
        ))
    }

    /// Returns the body of a delivery. It is empty if it is not rendered yet, or was erased.
    pub(super) async fn find_body(
        &self,
        tenant: &TenantId,
        id: &DeliveryId,
    ) -> Result<Option<Bytes>> {
        let keys = TenantKeys::of(tenant);
        let mut command = redis::cmd("GET");
        command.arg(keys.delivery(id));
        let Some(bytes) = self.query::<Option<Vec<u8>>>(&command).await? else {
            return Ok(None);
        };
        let record = Record::read(id, &bytes).map_err(|error| self.failed(error))?;
        if record.has_own_body() {
            let mut command = redis::cmd("GET");
            command.arg(keys.body(id));
            let body: Option<Vec<u8>> = self.query(&command).await?;
            return Ok(Some(body.unwrap_or_default().into()));
        }
        let event = self.find_event(tenant, &record.event).await?;
        Ok(Some(
            event.map(|stored| stored.event.data).unwrap_or_default(),
        ))
    }

    /// Returns the heads of events in order, except of those that do not exist, or do not have the type if
    /// one is given.
    pub(super) async fn event_heads(
        &self,
        tenant: &TenantId,
        kind: Option<&str>,
        ids: &[EventId],
    ) -> Result<Vec<Option<EventHead>>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = tenant_call(&EVENT_HEADS, tenant);
        call.arg(wanted_kind(kind));
        for id in ids {
            call.arg(id.as_str());
        }
        let found: Vec<(Vec<u8>, bool)> = self.run(&EVENT_HEADS, &call).await?;
        let read = |(id, (head, has_data)): (&EventId, (Vec<u8>, bool))| {
            if head.is_empty() {
                return Ok(None);
            }
            let event = event_without_data(id, &head);
            let event = event.ok_or_else(|| self.failed(Unreadable(format!("event `{id}`"))))?;
            let erased = !has_data;
            Ok(Some(EventHead { event, erased }))
        };
        ids.iter().zip(found).map(read).collect()
    }

    pub(super) async fn find_event(
        &self,
        tenant: &TenantId,
        id: &EventId,
    ) -> Result<Option<StoredEvent>> {
        let mut command = redis::cmd("GET");
        command.arg(TenantKeys::of(tenant).event(id));
        let bytes: Option<Vec<u8>> = self.query(&command).await?;
        let read = |bytes| read_event(id, &Bytes::from(bytes)).map_err(|error| self.failed(error));
        bytes.map(read).transpose()
    }
}

/// Returns the type that a script selects, in its form.
pub(super) fn wanted_kind(kind: Option<&str>) -> String {
    kind.map(|kind| format!("={kind}")).unwrap_or_default()
}
