//! Conversions between values and columns.

use rusqlite::types::{Value, ValueRef};
use sha2::{Digest, Sha256};
use webhook_model::{DeliveryId, EventId, Millis};

use super::fault::Fault;

/// The values of `deliveries.state`. A delivery in flight is `DUE`: see the [module](super).
pub(super) mod state {
    pub const DUE: i64 = 0;
    pub const WAITING: i64 = 1;
    pub const SUCCEEDED: i64 = 2;
    pub const DEAD: i64 = 3;
}

/// The reason of dead deliveries of a deleted endpoint.
pub(super) const DELETED: &str = "endpoint deleted";

pub(super) fn millis(stored: i64) -> Millis {
    Millis(u64::try_from(stored).unwrap_or(0))
}

/// Returns the hash by which an event is looked up.
pub(super) fn event_hash(tenant: i64, id: &EventId) -> i64 {
    let digest = Sha256::new()
        .chain_update(tenant.to_le_bytes())
        .chain_update(id.as_str())
        .finalize();
    first_bytes(&digest)
}

/// Returns the hash by which a delivery is looked up, from its stored id.
pub(super) fn delivery_hash(stored: ValueRef<'_>) -> i64 {
    match stored {
        // A digest.
        ValueRef::Blob(digest) => first_bytes(digest),
        ValueRef::Text(text) => first_bytes(&Sha256::digest(text)),
        _ => 0,
    }
}

fn first_bytes(digest: &[u8]) -> i64 {
    let bytes = digest.iter().take(8);
    bytes.fold(0, |hash, byte| hash << 8 | i64::from(*byte))
}

/// Returns a delivery's id as a blob of half the bytes if it has the usual form, else as text.
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

/// Returns the ordering group of a delivery: its ordering key, or all without one.
pub(super) fn ordering_group(ordering_key: Option<&str>) -> String {
    // The prefix distinguishes an empty key from none.
    ordering_key
        .map(|key| format!("={key}"))
        .unwrap_or_default()
}
