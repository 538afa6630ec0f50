//! Hears when another process has made something due.
//!
//! A hint only: what is missed while the connection is lost is found by the next look at the queue,
//! which a new connection causes.

use std::sync::Arc;

use futures::StreamExt;
use redis::RedisResult;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{Link, delay, keys};

/// The task that listens. It ends with its owner.
pub(super) struct Listener(JoinHandle<()>);

impl Listener {
    /// Tells `wakes` of all but those that carry the process's own `mark`.
    pub(super) fn start(link: Arc<Link>, wakes: Arc<Notify>, mark: String) -> Self {
        Self(tokio::spawn(async move {
            let mut failures = 0;
            loop {
                if let Err(error) = listen(&link, &wakes, &mark, &mut failures).await {
                    tracing::debug!(%error, "not listening for other processes");
                }
                failures += 1;
                tokio::time::sleep(delay(failures)).await;
            }
        }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(link: &Link, wakes: &Notify, mark: &str, failures: &mut u32) -> RedisResult<()> {
    let mut subscriber = link.client()?.get_async_pubsub().await?;
    subscriber.subscribe(keys::wake()).await?;
    *failures = 0;
    wakes.notify_one();
    let mut messages = subscriber.on_message();
    while let Some(message) = messages.next().await {
        if message.get_payload_bytes() != mark.as_bytes() {
            wakes.notify_one();
        }
    }
    Ok(())
}
