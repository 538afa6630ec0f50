//! Conversions between values and columns.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;
use webhook_model::{DeliveryId, EventId, Millis};

use super::fault::{Fault, FaultResult};
use crate::Fence;

/// The values of `deliveries.state`. The statements contain these numbers.
pub(super) mod state {
    pub const DUE: i16 = 0;
    pub const WAITING: i16 = 1;
    pub const IN_FLIGHT: i16 = 2;
    pub const SUCCEEDED: i16 = 3;
    pub const DEAD: i16 = 4;
}

/// The reason of dead deliveries of a deleted endpoint.
pub(super) const DELETED: &str = "endpoint deleted";

/// The key of a delivery: the keys of its event and of its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DeliveryKey {
    pub event: i64,
    pub endpoint: i32,
}

pub(super) fn millis(stored: i64) -> Millis {
    Millis(u64::try_from(stored).unwrap_or(0))
}

/// Returns a column. A row has the columns of its statement, so another type is a defect of the tables.
pub(super) fn column<'r, T: FromSql<'r>>(row: &'r Row, index: usize) -> FaultResult<T> {
    row.try_get(index).map_err(Fault::Sql)
}

/// Returns the number of a fence as the tables have it.
pub(super) fn claim_number(fence: Fence) -> i64 {
    fence.count.cast_signed()
}

/// Returns a delivery's digest; `None` for an id that no delivery has.
pub(super) fn digest(id: &DeliveryId) -> Option<Uuid> {
    let hex = id.as_str().strip_prefix("dlv_")?;
    let lower = !hex.bytes().any(|byte| byte.is_ascii_uppercase());
    let bytes: [u8; 16] = hex::decode(hex).ok()?.try_into().ok()?;
    lower.then(|| Uuid::from_bytes(bytes))
}

/// Returns the digest of a delivery to store.
pub(super) fn new_digest(id: &DeliveryId) -> FaultResult<Uuid> {
    let derived = || Fault::Unreadable(format!("delivery id `{id}` is not derived from its event"));
    digest(id).ok_or_else(derived)
}

pub(super) fn delivery_id(digest: Uuid) -> FaultResult<DeliveryId> {
    Ok(DeliveryId::parse(&format!(
        "dlv_{}",
        hex::encode(digest.as_bytes())
    ))?)
}

pub(super) fn event_id(row: &Row, index: usize) -> FaultResult<EventId> {
    Ok(EventId::parse(column(row, index)?)?)
}

pub(super) fn bytes(row: &Row, index: usize) -> FaultResult<Bytes> {
    Ok(column::<Vec<u8>>(row, index)?.into())
}

/// Returns text that the tables have as bytes.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns the ordering group of a delivery: a digest of its ordering key, or that of all without one.
pub(super) fn ordering_group(ordering_key: Option<&str>) -> Uuid {
    let mut hash = Sha256::new();
    if let Some(key) = ordering_key {
        // The prefix distinguishes an empty key from none.
        hash.update([1]);
        hash.update(key);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    Uuid::from_bytes(bytes)
}
