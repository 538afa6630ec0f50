//! The readers of each tenant.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::broadcast::{self, error::RecvError};
use webhook_model::{Millis, TenantId};

use super::happening::Happening;

/// The number of happenings that a reader may be behind.
const BUFFER: usize = 1024;

/// The happenings of all tenants of this process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Feed(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The number of readers. Checked first, so that happenings without readers are free.
    readers: AtomicUsize,
    /// The tenants with readers. Never locked across an await.
    tenants: RwLock<HashMap<TenantId, broadcast::Sender<Arc<TimedHappening>>>>,
}

type TimedHappening = (Millis, Happening);

/// A reader of a tenant's happenings. Dropping it unsubscribes.
pub struct Subscription {
    feed: Feed,
    tenant: TenantId,
    received: Option<broadcast::Receiver<Arc<TimedHappening>>>,
}

/// The next part of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Happened(Arc<TimedHappening>),
    /// The reader was too slow, and missed this number of happenings.
    Lagged(u64),
}

impl Feed {
    /// Returns true if a tenant may have readers.
    pub fn has_readers(&self) -> bool {
        self.0.readers.load(Ordering::Relaxed) > 0
    }

    /// Publishes a happening to the readers of a tenant. Does not wait, and does not call `happening`
    /// without readers.
    pub fn publish(&self, tenant: &TenantId, at: Millis, happening: impl FnOnce() -> Happening) {
        if !self.has_readers() {
            return;
        }
        let tenants = self.0.tenants.read();
        let tenants = tenants.unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = tenants.get(tenant) {
            // Without a receiver, the last reader is being dropped.
            let _ = sender.send(Arc::new((at, happening())));
        }
    }

    /// Subscribes to the happenings of a tenant from now on.
    pub fn subscribe(&self, tenant: &TenantId) -> Subscription {
        let tenants = self.0.tenants.write();
        let mut tenants = tenants.unwrap_or_else(PoisonError::into_inner);
        let sender = tenants
            .entry(tenant.clone())
            .or_insert_with(|| broadcast::channel(BUFFER).0);
        self.0.readers.fetch_add(1, Ordering::Relaxed);
        Subscription {
            feed: self.clone(),
            tenant: tenant.clone(),
            received: Some(sender.subscribe()),
        }
    }
}

impl Subscription {
    /// Waits for the next part. Cancelling the wait is safe.
    pub async fn next(&mut self) -> Next {
        let Some(received) = &mut self.received else {
            return std::future::pending().await;
        };
        match received.recv().await {
            Ok(happened) => Next::Happened(happened),
            Err(RecvError::Lagged(missed)) => Next::Lagged(missed),
            // The channel stays open while there is a subscription.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let feed = self.feed.0.clone();
        let tenants = feed.tenants.write();
        let mut tenants = tenants.unwrap_or_else(PoisonError::into_inner);
        self.received = None;
        feed.readers.fetch_sub(1, Ordering::Relaxed);
        let is_unused = |sender: &broadcast::Sender<_>| sender.receiver_count() == 0;
        if tenants.get(&self.tenant).is_some_and(is_unused) {
            tenants.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(id: &str) -> TenantId {
        TenantId::parse(id).unwrap()
    }

    fn happening() -> Happening {
        Happening::Changed {
            action: "endpoint.change",
            target: None,
        }
    }

    #[tokio::test]
    async fn a_reader_gets_the_happenings_of_its_tenant_from_then_on() {
        let feed = Feed::default();
        let publish = |id: &str, ms| feed.publish(&tenant(id), Millis(ms), happening);
        publish("acme", 1);
        let mut reader = feed.subscribe(&tenant("acme"));
        publish("globex", 2);
        publish("acme", 3);
        let expected = Next::Happened(Arc::new((Millis(3), happening())));
        assert_eq!(reader.next().await, expected);
        drop(reader);
        assert!(!feed.has_readers() && feed.0.tenants.read().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_slow_reader_learns_how_much_it_missed() {
        let feed = Feed::default();
        let mut reader = feed.subscribe(&tenant("acme"));
        for ms in 0..BUFFER as u64 + 5 {
            feed.publish(&tenant("acme"), Millis(ms), happening);
        }
        assert_eq!(reader.next().await, Next::Lagged(5));
        let first = Next::Happened(Arc::new((Millis(5), happening())));
        assert_eq!(reader.next().await, first);
    }
}
