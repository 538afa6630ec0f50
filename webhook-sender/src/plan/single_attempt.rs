//! The interface of delivery that test deliveries use.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use webhook_model::{Attempt, EndpointId, EventId, TenantId};

/// The part of delivery that makes a single attempt, outside of the queue.
#[async_trait]
pub trait SingleAttempt: Send + Sync + 'static {
    /// Sends a body to an endpoint at once, and returns the attempt. Nothing is recorded.
    async fn attempt(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        event: &EventId,
        body: &Bytes,
    ) -> Result<Attempt, SingleRefusal>;
}

/// The reason for which no attempt was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleRefusal {
    /// All permits of the endpoint or of the process are in use, or the process is stopping.
    Busy,
    /// The rate limit or the circuit breaker allows none before this time has passed.
    After(Duration),
    /// The endpoint is disabled or cannot be used.
    Unusable,
}
