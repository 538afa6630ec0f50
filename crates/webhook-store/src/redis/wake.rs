//! Hears when another process has made something due.
//!
//! A hint only: what is missed while the connection is lost is found by the next look at the queue,
//! which a new connection causes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use redis::{RedisError, RedisResult};
use redis_link::{Link, delay};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::keys;

/// How long nothing may be heard before the connection is tried.
const SILENCE: Duration = Duration::from_secs(15);

/// Warns once when the server's access rules keep the store from its channel. Deliveries of other
/// processes are then found late: nothing else shows it.
#[derive(Default)]
pub(super) struct Denials(AtomicBool);

impl Denials {
    pub(super) fn report(&self, error: &RedisError) {
        if error.code() == Some("NOPERM") && !self.0.swap(true, Ordering::SeqCst) {
            tracing::warn!(
                channel = keys::wake(), %error,
                "the server denies the store's channel or keys: what another sender makes due is found late"
            );
        }
    }
}

/// The task that listens. It ends with its owner.
pub(super) struct Listener(JoinHandle<()>);

impl Listener {
    /// Tells `wakes` of all but those that carry the process's own `mark`.
    pub(super) fn start(
        link: Arc<Link>,
        wakes: Arc<Notify>,
        mark: String,
        denials: Arc<Denials>,
    ) -> Self {
        Self(tokio::spawn(async move {
            let mut failures = 0;
            loop {
                if let Err(error) = listen(&link, &wakes, &mark, &mut failures).await {
                    denials.report(&error);
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
    *failures = 0;
    wakes.notify_one();
    let mut messages = subscriber.on_message();
    loop {
        let message = match timeout(SILENCE, messages.next()).await {
            Ok(message) => message,
            Err(_) => {
                // Our own message comes back, unless the connection is dead and nobody has said so.
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
