//! Name resolution, with concurrency limits that are fair among tenants.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The most lookups at a time. Each may hold a thread until the system's resolver times out, after
/// some ten seconds or more, and threads have other uses.
const MAX_LOOKUPS: usize = 64;

/// The most lookups of one fairness key, so that slow names of one tenant do not delay the others'.
const MAX_LOOKUPS_PER_KEY: usize = 8;

/// The time limit of a lookup once it has begun.
const DEADLINE: Duration = Duration::from_secs(5);

/// Resolves names to addresses.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// Returns the addresses of `host`, the preferred ones first.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver: the hosts file, DNS, and any other source that it is configured for.
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

type Found = Result<Arc<[IpAddr]>, Arc<io::Error>>;
type Lookup = Shared<BoxFuture<'static, Found>>;

/// A fairness key and a name. Even lookups of the same name are separate for each fairness key.
type Key = (Box<str>, Box<str>);

/// A resolver that combines simultaneous lookups of one name with the same fairness key. It caches
/// nothing.
pub(super) struct Resolver(Arc<Inner>);

struct Inner {
    resolver: Arc<dyn Resolve>,
    deadline: Duration,
    under_way: Mutex<HashMap<Key, Lookup>>,
    permits: Arc<Semaphore>,
    /// The permits of each fairness key that has lookups.
    by_key: Mutex<HashMap<Box<str>, Arc<Semaphore>>>,
}

/// A permit of the fairness key and one of all. Held until the resolver has ended, even if the lookup
/// has timed out before.
type Permits = [Option<OwnedSemaphorePermit>; 2];

impl Resolver {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self::within(DEADLINE, resolver)
    }

    fn within(deadline: Duration, resolver: Arc<dyn Resolve>) -> Self {
        Self(Arc::new(Inner {
            resolver,
            deadline,
            under_way: Mutex::default(),
            permits: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            by_key: Mutex::default(),
        }))
    }

    /// Returns the addresses of `host`, looked up with a permit of `fairness_key`.
    pub(super) async fn find(&self, host: &str, fairness_key: &str) -> Found {
        self.lookup((fairness_key.into(), host.into())).await
    }

    fn lookup(&self, key: Key) -> Lookup {
        let mut under_way = lock(&self.0.under_way);
        if let Some(lookup) = under_way.get(&key) {
            return lookup.clone();
        }
        // A task of its own, so that the others still get the result when the first caller gives up.
        let task = tokio::spawn(look_up(self.0.clone(), key.clone()));
        let lookup = async {
            task.await
                .unwrap_or_else(|error| Err(Arc::new(error.into())))
        };
        let lookup = lookup.boxed().shared();
        under_way.insert(key, lookup.clone());
        lookup
    }
}

async fn look_up(inner: Arc<Inner>, key: Key) -> Found {
    let permits = inner.permits(&key.0).await;
    let (resolver, host) = (inner.resolver.clone(), key.1.clone());
    let resolving = tokio::spawn(async move {
        let _permits = permits;
        resolver.resolve(&host).await
    });
    let found = match timeout(inner.deadline, resolving).await {
        Ok(ended) => ended.unwrap_or_else(|error| Err(error.into())),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the lookup timed out",
        )),
    };
    lock(&inner.under_way).remove(&key);
    found.map(Arc::from).map_err(Arc::new)
}

impl Inner {
    /// Waits for a permit of the fairness key and for one of all, in this order: a lookup that waits
    /// for the former must not hold one of the latter.
    async fn permits(&self, fairness_key: &str) -> Permits {
        let own = self.permits_of(fairness_key).acquire_owned().await;
        let of_all = self.permits.clone().acquire_owned().await;
        [own.ok(), of_all.ok()]
    }

    fn permits_of(&self, fairness_key: &str) -> Arc<Semaphore> {
        let mut by_key = lock(&self.by_key);
        // Lookups that hold a permit or wait for one hold a reference.
        by_key.retain(|_, permits| Arc::strong_count(permits) > 1);
        let permits = by_key
            .entry(fairness_key.into())
            .or_insert_with(|| Arc::new(Semaphore::new(MAX_LOOKUPS_PER_KEY)));
        permits.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use test_support::with_timeout;
    use tokio::sync::watch;

    use super::*;

    /// A resolver that resolves names that begin with `slow` once it is released.
    struct Slow {
        released: watch::Sender<bool>,
        lookups: watch::Sender<usize>,
    }

    #[async_trait]
    impl Resolve for Slow {
        async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
            self.lookups.send_modify(|lookups| *lookups += 1);
            if host.starts_with("slow") {
                let mut released = self.released.subscribe();
                released
                    .wait_for(|released| *released)
                    .await
                    .map_err(io::Error::other)?;
            }
            Ok(vec![[192, 0, 2, 1].into()])
        }
    }

    fn slow(deadline: Duration) -> (Arc<Slow>, Arc<Resolver>) {
        let slow = Arc::new(Slow {
            released: watch::Sender::new(false),
            lookups: watch::Sender::new(0),
        });
        (slow.clone(), Arc::new(Resolver::within(deadline, slow)))
    }

    /// Looks up more slow names than there are permits in all.
    async fn crowd(slow: &Slow, resolver: &Arc<Resolver>) -> Vec<tokio::task::JoinHandle<Found>> {
        let look_up = |number: usize| {
            let resolver = resolver.clone();
            tokio::spawn(async move { resolver.find(&format!("slow-{number}"), "acme").await })
        };
        let pending = (0..2 * MAX_LOOKUPS).map(look_up).collect();
        let mut lookups = slow.lookups.subscribe();
        let begun = lookups.wait_for(|lookups| *lookups >= MAX_LOOKUPS_PER_KEY);
        let begun = with_timeout(begun, || "lookups to begin".into());
        drop(begun.await.unwrap());
        pending
    }

    #[tokio::test]
    async fn slow_names_of_one_tenant_do_not_delay_the_names_of_others() {
        let (slow, resolver) = slow(Duration::MAX);
        let mut pending = crowd(&slow, &resolver).await;
        // Not even a name whose lookup by the slow tenant waits for a permit.
        let waiting = resolver.clone();
        let waiting = tokio::spawn(async move { waiting.find("quick", "acme").await });
        pending.push(waiting);
        tokio::task::yield_now().await;
        let found = with_timeout(resolver.find("quick", "globex"), || "another's name".into());
        assert!(found.await.is_ok());
        assert_eq!(*slow.lookups.borrow(), MAX_LOOKUPS_PER_KEY + 1);
        slow.released.send_replace(true);
        for lookup in pending {
            assert!(lookup.await.unwrap().is_ok());
        }
    }

    #[tokio::test]
    async fn a_lookup_that_times_out_holds_its_permit_until_it_has_ended() {
        let (slow, resolver) = slow(Duration::ZERO);
        let mut pending = crowd(&slow, &resolver).await;
        for lookup in pending.drain(..MAX_LOOKUPS_PER_KEY) {
            let timed_out = lookup.await.unwrap().unwrap_err();
            assert_eq!(timed_out.kind(), io::ErrorKind::TimedOut);
        }
        // The others have every chance to begin.
        for _ in 0..10 * MAX_LOOKUPS {
            tokio::task::yield_now().await;
        }
        assert_eq!(*slow.lookups.borrow(), MAX_LOOKUPS_PER_KEY);
        slow.released.send_replace(true);
        let mut lookups = slow.lookups.subscribe();
        let all = lookups.wait_for(|lookups| *lookups == 2 * MAX_LOOKUPS);
        drop(with_timeout(all, || "the others".into()).await.unwrap());
    }

    #[tokio::test]
    async fn simultaneous_lookups_of_one_name_by_one_tenant_are_combined() {
        let (slow, resolver) = slow(Duration::MAX);
        let look_up = || {
            let resolver = resolver.clone();
            tokio::spawn(async move { resolver.find("slow", "acme").await })
        };
        let pending: Vec<_> = (0..20).map(|_| look_up()).collect();
        let mut lookups = slow.lookups.subscribe();
        drop(lookups.wait_for(|lookups| *lookups > 0).await.unwrap());
        slow.released.send_replace(true);
        for lookup in pending {
            assert!(lookup.await.unwrap().is_ok());
        }
        assert_eq!(*slow.lookups.borrow(), 1);
    }
}
