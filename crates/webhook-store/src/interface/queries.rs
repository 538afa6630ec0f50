//! Lists and statistics for operators, and what they make due again.

use async_trait::async_trait;
use webhook_model::{Delivery, DeliveryId, Millis, Rejected, TenantId};

use crate::error::Result;
use crate::page::{Cursor, DeliveryFilter, Depth, Page, RejectedFilter};

/// Lists and statistics for the API, and the changes that follow from looking at them: replays, and
/// the removal of rejected events that were planned after all.
#[async_trait]
pub trait Queries: Send + Sync + 'static {
    /// One delivery.
    async fn delivery(&self, tenant: &TenantId, id: &DeliveryId) -> Result<Option<Delivery>>;

    /// The deliveries that `filter` selects, the newest first, at most `limit` of them.
    async fn deliveries(
        &self,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>>;

    /// Makes deliveries due again from `now` on: one, or all that `filter` selects. Answers how
    /// many. What is in flight or pending is left alone, and what has no endpoint any more. Attempts
    /// made so far no longer count against the schedule, and are kept. What keeps its order waits
    /// for its turn.
    async fn replay(&self, tenant: &TenantId, filter: &DeliveryFilter, now: Millis) -> Result<u64>;

    /// Events that could not be planned, the newest first, at most `limit` of them and about
    /// [`PAGE_BYTES`](crate::PAGE_BYTES).
    async fn rejected(
        &self,
        filter: &RejectedFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Rejected>>;

    /// Forgets a rejected event, after it was planned all the same. Answers it, if it was there.
    async fn take_rejected(&self, id: &str) -> Result<Option<Rejected>>;

    /// How much is waiting.
    async fn depth(&self, now: Millis) -> Result<Depth>;

    /// Whether the store can be reached and written to.
    async fn ping(&self) -> Result<()>;
}
