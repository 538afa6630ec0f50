//! Looks up deliveries and events by id.

use bytes::Bytes;
use webhook_model::{Delivery, DeliveryId, Event, EventId, TenantId};

use super::RedisStore;
use super::encoding::Unreadable;
use super::event_record::{StoredEvent, event_without_data, read_event};
use super::keys::TenantKeys;
use super::record::Record;
use super::scripts::SUMMARIES;
use super::store::{all, tenant_call};
use crate::Result;

/// The numbers of bytes of an event's record that are read for the fields before its data: enough
/// for most events, and enough for an event with the maximum number of deliveries.
const HEADS: [u32; 2] = [4 << 10, 4 << 20];

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
        let found = vec![(id.clone(), record)];
        Ok(self.to_deliveries(tenant, found).await?.pop())
    }

    /// Returns the body of a delivery. It is empty if it is not rendered yet, or was erased.
    pub(super) async fn find_body(
        &self,
        tenant: &TenantId,
        id: &DeliveryId,
    ) -> Result<Option<Bytes>> {
        let keys = TenantKeys::of(tenant);
        let found = self.records(tenant, vec![id.clone()]).await?;
        let Some((_, record)) = found.into_iter().next() else {
            return Ok(None);
        };
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

    /// Returns the records of the deliveries that exist, without the requests and responses of their
    /// attempts.
    pub(super) async fn records(
        &self,
        tenant: &TenantId,
        ids: Vec<DeliveryId>,
    ) -> Result<Vec<(DeliveryId, Record)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = tenant_call(&SUMMARIES, tenant);
        for id in &ids {
            call.arg(id.as_str());
        }
        let found: Vec<Option<Vec<u8>>> = self.run(&SUMMARIES, &call).await?;
        let read = |(id, bytes): (DeliveryId, Option<Vec<u8>>)| {
            let record = Record::read(&id, &bytes?);
            Some(
                record
                    .map(|record| (id, record.without_exchanges()))
                    .map_err(|error| self.failed(error)),
            )
        };
        ids.into_iter().zip(found).filter_map(read).collect()
    }

    /// Converts records to deliveries, with the types of their events.
    pub(super) async fn to_deliveries(
        &self,
        tenant: &TenantId,
        found: Vec<(DeliveryId, Record)>,
    ) -> Result<Vec<Delivery>> {
        let call =
            |(_, record): &'_ (DeliveryId, Record)| self.event_head(tenant, record.event.clone());
        let events = all(found.iter().map(call).collect()).await?;
        let shown = found.into_iter().zip(events);
        Ok(shown
            .map(|((id, record), head)| {
                // The type is empty if the event was deleted.
                record.into_delivery(id, head.map(|head| head.event.kind).unwrap_or_default())
            })
            .collect())
    }

    /// Returns the head of an event; `None` if it does not exist.
    pub(super) async fn event_head(
        &self,
        tenant: &TenantId,
        id: EventId,
    ) -> Result<Option<EventHead>> {
        let key = TenantKeys::of(tenant).event(&id);
        for end in HEADS {
            let mut command = redis::cmd("GETRANGE");
            command.arg(&key).arg(0).arg(end - 1);
            let head: Vec<u8> = self.query(&command).await?;
            if head.is_empty() {
                return Ok(None);
            }
            if let Some((event, data_bytes)) = event_without_data(&id, &head) {
                // The record may go on behind what was read.
                let is_whole = head.len() < end as usize;
                if data_bytes > 0 || is_whole {
                    let erased = data_bytes == 0;
                    return Ok(Some(EventHead { event, erased }));
                }
            }
        }
        Err(self.failed(Unreadable(format!("event `{id}`"))))
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
