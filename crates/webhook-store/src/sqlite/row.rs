//! How things are written into columns, and read back.

use rusqlite::types::{Value, ValueRef};
use sha2::{Digest, Sha256};
use webhook_model::{DeliveryId, EventId, Millis};

use super::fault::Fault;

/// What `deliveries.state` holds. What is in flight is `DUE`: see the [module](super).
pub(super) mod state {
    pub const DUE: i64 = 0;
    pub const WAITING: i64 = 1;
    pub const SUCCEEDED: i64 = 2;
    pub const DEAD: i64 = 3;
}

/// Why deliveries of a deleted endpoint are dead.
pub(super) const DELETED: &str = "endpoint deleted";

pub(super) fn millis(stored: i64) -> Millis {
    Millis(u64::try_from(stored).unwrap_or(0))
}

/// What an event is looked up by.
pub(super) fn event_hash(tenant: i64, id: &EventId) -> i64 {
    let digest = Sha256::new()
        .chain_update(tenant.to_le_bytes())
        .chain_update(id.as_str())
        .finalize();
    digest
        .iter()
        .take(8)
        .fold(0, |hash, byte| hash << 8 | i64::from(*byte))
}

/// A delivery's id in half the bytes, where it has the usual form.
pub(super) fn delivery_id(id: &DeliveryId) -> Value {
    match id
        .as_str()
        .strip_prefix("dlv_")
        .filter(|hex| is_digest(hex))
        .map(hex::decode)
    {
        Some(Ok(digest)) => Value::Blob(digest),
        _ => Value::Text(id.as_str().into()),
    }
}

fn is_digest(hex: &str) -> bool {
    hex.len() == 32 && !hex.bytes().any(|byte| byte.is_ascii_uppercase())
}

pub(super) fn read_delivery_id(stored: ValueRef<'_>) -> Result<DeliveryId, Fault> {
    match stored {
        ValueRef::Blob(digest) => Ok(DeliveryId::parse(&format!("dlv_{}", hex::encode(digest)))?),
        ValueRef::Text(text) => Ok(DeliveryId::parse(&String::from_utf8_lossy(text))?),
        other => Err(Fault::Unreadable(format!(
            "a delivery's id is {:?}",
            other.data_type()
        ))),
    }
}

/// What keeps the order of a delivery: its ordering key, or the whole endpoint.
pub(super) fn ordering_group(ordering_key: Option<&str>) -> String {
    // The mark tells an empty key from none.
    ordering_key
        .map(|key| format!("={key}"))
        .unwrap_or_default()
}
