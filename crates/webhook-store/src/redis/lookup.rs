//! One delivery, one event.

use bytes::Bytes;
use webhook_model::{Delivery, DeliveryId, EventId, TenantId};

use super::RedisStore;
use super::keys::TenantKeys;
use super::record::{Record, StoredEvent, Unreadable, event_kind, read_event};
use super::store::all;
use crate::Result;

/// How many bytes of an event's record are read for what stands before its data: enough for most, and
/// enough for an event of as many deliveries as a record can have.
const HEADS: [u32; 2] = [4 << 10, 4 << 20];

impl RedisStore {
    pub(super) async fn find_delivery(
        &self,
        tenant: &TenantId,
        id: &DeliveryId,
    ) -> Result<Option<Delivery>> {
        let found = self.records(tenant, vec![id.clone()]).await?;
        Ok(self.to_deliveries(tenant, found).await?.pop())
    }

    /// The records of those that exist.
    pub(super) async fn records(
        &self,
        tenant: &TenantId,
        ids: Vec<DeliveryId>,
    ) -> Result<Vec<(DeliveryId, Record)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let keys = TenantKeys::of(tenant);
        let mut command = redis::cmd("MGET");
        for id in &ids {
            command.arg(keys.delivery(id));
        }
        let found: Vec<Option<Vec<u8>>> = self.query(&command).await?;
        let read = |(id, bytes): (DeliveryId, Option<Vec<u8>>)| {
            let record = Record::read(&id, &bytes?);
            Some(
                record
                    .map(|record| (id, record))
                    .map_err(|error| self.failed(error)),
            )
        };
        ids.into_iter().zip(found).filter_map(read).collect()
    }

    /// Deliveries as they are shown: with the types of their events.
    pub(super) async fn to_deliveries(
        &self,
        tenant: &TenantId,
        found: Vec<(DeliveryId, Record)>,
    ) -> Result<Vec<Delivery>> {
        let call =
            |(_, record): &'_ (DeliveryId, Record)| self.kind_of(tenant, record.event.clone());
        let kinds = all(found.iter().map(call).collect()).await?;
        let shown = found.into_iter().zip(kinds);
        Ok(shown
            .map(|((id, record), kind)| record.into_delivery(id, kind))
            .collect())
    }

    /// The type of an event; empty where the event is gone. Its data is not read: a page of
    /// deliveries may be of more than fits into memory.
    async fn kind_of(&self, tenant: &TenantId, id: EventId) -> Result<String> {
        let key = TenantKeys::of(tenant).event(&id);
        for end in HEADS {
            let mut command = redis::cmd("GETRANGE");
            command.arg(&key).arg(0).arg(end - 1);
            let head: Vec<u8> = self.query(&command).await?;
            if head.is_empty() {
                return Ok(String::new());
            }
            if let Some(kind) = event_kind(&head) {
                return Ok(kind);
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
