//! Asking the store for an id, and telling it what became of the request.

use alloc::boxed::Box;

use super::answer::Answer;
use super::seen::{Claim, SeenIds, Ticket};

/// The ticket for `id`, or what to answer without the handler.
pub(crate) async fn claim(
    store: &dyn SeenIds,
    id: &str,
    now: u64,
) -> Result<Box<dyn Ticket>, Answer> {
    match store.claim(id, now).await {
        Ok(Claim::Granted(ticket)) => Ok(ticket),
        Ok(Claim::InProgress) => Err(Answer::InProgress),
        Ok(Claim::Done) => Err(Answer::Done),
        Err(error) => {
            tracing::warn!(id, %error, "the store of seen ids could not be asked");
            Err(Answer::Unavailable)
        }
    }
}

/// Records that the ticket's id is done.
///
/// The handler's answer stands whether or not that works: its work is done, and sending the event
/// again would do it twice.
pub(crate) async fn complete(ticket: Box<dyn Ticket>) {
    if let Err(error) = ticket.complete().await {
        tracing::warn!(%error, "the store of seen ids did not record that an id is done");
    }
}
