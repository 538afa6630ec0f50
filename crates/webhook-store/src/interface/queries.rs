//! Lists and statistics for operators, and replays.

use async_trait::async_trait;
use bytes::Bytes;
use webhook_model::{Delivery, DeliveryId, EndpointId, EventId, Millis, Rejected, TenantId};

use crate::batch::ReplayBodies;
use crate::endpoint_stats::{Counters, EndpointStats, Interval};
use crate::erasure::Erased;
use crate::error::Result;
use crate::event_list::{EventDetails, EventFilter, ListedEvent};
use crate::page::{CountedPart, Cursor, DeliveryFilter, Depth, Page, RejectedFilter};

/// Lists and statistics for the API, replays, and the removal of rejected events that were planned
/// later.
#[async_trait]
pub trait Queries: Send + Sync + 'static {
    /// Returns a delivery with the requests and responses of its attempts, or `None` if it does not
    /// exist.
    async fn delivery(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Delivery>>;

    /// Returns the request body of a delivery, or `None` if the delivery does not exist. The body is
    /// empty if it is rendered when it is sent, or if it was erased.
    async fn delivery_body(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Bytes>>;

    /// Returns the deliveries that match `filter`, the newest first, at most `limit` of them. Their
    /// attempts are without requests and responses.
    ///
    /// If the filter names an endpoint, a type, a status or a state, a call examines a bounded number
    /// of deliveries, at least [`MAX_EXAMINED`](crate::MAX_EXAMINED). A page may therefore have fewer
    /// items than `limit`, or none, and still have a next page.
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

    /// Makes the deliveries that match `filter` due at `now`, and returns their number. Earlier
    /// attempts are kept, but no longer count against the schedule. Ordered deliveries wait for
    /// earlier ones of their ordering group.
    ///
    /// These are deliveries that have ended. If the filter's state is pending, they are those that wait
    /// for another attempt instead, after one has failed; those that are due before `now` stay so. Other
    /// deliveries, and those whose endpoint was deleted, stay as they are.
    async fn replay(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        bodies: ReplayBodies,
        now: Millis,
    ) -> Result<u64>;

    /// Counts a part of the deliveries that a replay would make due: from the start, or behind the cursor
    /// of the part before. A call does a bounded amount of work.
    async fn count_replayable(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
    ) -> Result<CountedPart>;

    /// Erases the payload of an event, or that of a rejected event with this id, and keeps its record.
    /// Returns `None` if the tenant has neither.
    ///
    /// The data, the rendered bodies, and the requests and responses of attempts are deleted. Pending
    /// deliveries become dead letters with the reason `erased`, and those in flight are not attempted
    /// again. None of them can be replayed. An accepted event is planned without deliveries. The id
    /// stays known, whatever it is published with.
    async fn erase(&self, tenant: &TenantId, id: &str, now: Millis) -> Result<Option<Erased>>;

    /// Returns the statistics of an endpoint from the interval that contains `from` on, or `None` if
    /// the endpoint does not exist. Counters are kept for [`MINUTES_KEPT`](crate::MINUTES_KEPT) and
    /// [`HOURS_KEPT`](crate::HOURS_KEPT). Those of outcomes are counted when they are written: see
    /// [`Queue::write_counts`](crate::Queue::write_counts).
    async fn endpoint_stats(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<EndpointStats>>;

    /// Returns the sums of a tenant's outcomes from the interval that contains `from` on, the oldest
    /// first, without durations; `None` if the tenant does not exist. They include those of deleted
    /// endpoints. The cost does not depend on the number of endpoints.
    async fn tenant_stats(
        &self,
        tenant: &TenantId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<Vec<Counters>>>;

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
