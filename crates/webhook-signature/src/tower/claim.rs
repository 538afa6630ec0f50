//! Claims of ids in a store.

use alloc::boxed::Box;

use super::dedup::{Claim, DedupStore, Ticket};
use super::early_response::EarlyResponse;

/// Returns the ticket for `id`, or the response to send without calling the handler.
pub(crate) async fn claim(
    store: &dyn DedupStore,
    id: &str,
    now: u64,
) -> Result<Box<dyn Ticket>, EarlyResponse> {
    match store.claim(id, now).await {
        Ok(Claim::Granted(ticket)) => Ok(ticket),
        Ok(Claim::InProgress) => Err(EarlyResponse::InProgress),
        Ok(Claim::Done) => Err(EarlyResponse::Done),
        Err(error) => {
            tracing::warn!(id, %error, "deduplication store failed to claim an id");
            Err(EarlyResponse::Unavailable)
        }
    }
}

/// Records that the ticket's id is done.
///
/// The handler's response is sent even if this fails: its work is done, and a retry would do it
/// twice.
pub(crate) async fn complete(ticket: Box<dyn Ticket>) {
    if let Err(error) = ticket.complete().await {
        tracing::warn!(%error, "deduplication store failed to record an id as done");
    }
}
