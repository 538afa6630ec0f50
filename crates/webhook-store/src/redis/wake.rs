//! Listens for wakes: another process has made a delivery due.
//!
//! A wake is a hint only: after a lost connection, the new one causes a check of the queue, which
//! finds what was missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use redis::{RedisError, RedisResult};
use redis_link::Link;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use webhook_model::Backoff;

use super::keys;

/// The silence after which the connection is checked.
const SILENCE: Duration = Duration::from_secs(15);

/// Warns once if the server's access rules deny the store's channel. Due deliveries of other
/// processes are then found late, without any other sign.
#[derive(Default)]
pub(super) struct Denials(AtomicBool);

impl Denials {
    pub(super) fn report(&self, error: &RedisError) {
        if error.code() == Some("NOPERM") && !self.0.swap(true, Ordering::SeqCst) {
            tracing::warn!(
                channel = keys::wake(), %error,
                "the server denies the store's channel or keys: due deliveries of other senders are found late"
            );
        }
    }
}

/// The task that listens. Dropping this ends it.
pub(super) struct Listener(JoinHandle<()>);

impl Listener {
    /// Starts to listen, and notifies `wakes` of all wakes except those with the process's own
    /// `mark`.
    pub(super) fn start(
        link: Arc<Link>,
        wakes: Arc<Notify>,
        mark: String,
        denials: Arc<Denials>,
    ) -> Self {
        Self(tokio::spawn(async move {
            let mut backoff = Backoff::default();
            loop {
                if let Err(error) = listen(&link, &wakes, &mark, &mut backoff).await {
                    denials.report(&error);
                    tracing::debug!(%error, "subscription to wakes failed");
                }
                tokio::time::sleep(backoff.next_wait()).await;
            }
        }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn listen(link: &Link, wakes: &Notify, mark: &str, backoff: &mut Backoff) -> RedisResult<()> {
    let client = link.client()?;
    let subscribed = timeout(SILENCE, async {
        let mut subscriber = client.get_async_pubsub().await?;
        subscriber.subscribe(keys::wake()).await?;
        RedisResult::Ok(subscriber)
    });
    let Ok(subscriber) = subscribed.await else {
        return Ok(());
    };
    let mut subscriber = subscriber?;
    backoff.reset();
    wakes.notify_one();
    let mut messages = subscriber.on_message();
    loop {
        let message = match timeout(SILENCE, messages.next()).await {
            Ok(message) => message,
            Err(_) => {
                // The process's own message comes back, unless the connection is dead unnoticed.
                let mut echo = redis::cmd("PUBLISH");
                link.query(echo.arg(keys::wake()).arg(mark)).await?;
                timeout(SILENCE, messages.next()).await.unwrap_or_default()
            }
        };
        let Some(message) = message else {
            return Ok(());
        };
        if message.get_payload_bytes() != mark.as_bytes() {
            wakes.notify_one();
        }
    }
}
