//! Lists and statistics for operators, and replays.

use async_trait::async_trait;
use webhook_model::{Delivery, DeliveryId, EventId, Millis, Rejected, TenantId};

use crate::error::Result;
use crate::event_list::{EventDetails, EventFilter, ListedEvent};
use crate::page::{Cursor, DeliveryFilter, Depth, Page, RejectedFilter};

/// Lists and statistics for the API, replays, and the removal of rejected events that were planned
/// later.
#[async_trait]
pub trait Queries: Send + Sync + 'static {
    /// Returns a delivery, or `None` if it does not exist.
    async fn delivery(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Delivery>>;

    /// Returns the deliveries that match `filter`, the newest first, at most `limit` of them.
    async fn deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>>;

    /// Returns an accepted or planned event, or `None` if it does not exist.
    async fn event_details(&self, tenant: &TenantId, id: &EventId) -> Result<Option<EventDetails>>;

    /// Returns the events of a tenant that match `filter`, accepted, planned and rejected, the newest
    /// first by their time of acceptance or rejection, at most `limit` of them. An event keeps its
    /// position when it is planned.
    ///
    /// A call examines at most [`MAX_EXAMINED`](crate::MAX_EXAMINED) events of each state, and reads
    /// about [`PAGE_BYTES`](crate::PAGE_BYTES) of rejected ones, however many there are. A page may
    /// therefore have fewer items than `limit`, or none, and still have a next page.
    async fn events(
        &self,
        tenant: &TenantId,
        filter: &EventFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<ListedEvent>>;

    /// Makes the deliveries that match `filter` due at `now`, and returns their number. Deliveries
    /// that are pending or in flight, or whose endpoint was deleted, stay as they are. Earlier
    /// attempts are kept, but no longer count against the schedule. Ordered deliveries wait for
    /// earlier ones of their ordering group.
    async fn replay(&self, tenant: &TenantId, filter: &DeliveryFilter, now: Millis) -> Result<u64>;

    /// Returns rejected events, the newest first, at most `limit` of them and about
    /// [`PAGE_BYTES`](crate::PAGE_BYTES).
    async fn rejected(
        &self,
        filter: &RejectedFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rejected>>;

    /// Removes a rejected event, after it was planned. Returns it if it existed.
    async fn take_rejected(&self, id: &str) -> Result<Option<Rejected>>;

    /// Returns the numbers of waiting events and deliveries.
    async fn depth(&self, now: Millis) -> Result<Depth>;

    /// Checks that the store can be reached and written.
    async fn ping(&self) -> Result<()>;
}
