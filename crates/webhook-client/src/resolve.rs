//! From a name to addresses.

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

/// The most look-ups at a time. Each may hold a thread until the system's resolver gives up, some
/// ten seconds or more, and there are other uses for threads.
const MAX_LOOKUPS: usize = 64;

/// The most of them of one share, so that slow names of one tenant leave room for the others'.
const MAX_LOOKUPS_PER_SHARE: usize = 8;

/// How long a look-up is waited for once it has begun.
const DEADLINE: Duration = Duration::from_secs(5);

/// Finds the addresses of a name.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, the preferred ones first.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver: hosts file, DNS, and whatever else it is set up for.
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

/// A share and a name. Shares do not wait for each other's look-ups, be it of the same name.
type Key = (Box<str>, Box<str>);

/// Asks a resolver once where many of a share ask for one name at a time. Nothing is remembered
/// beyond that.
pub(super) struct Names(Arc<Inner>);

struct Inner {
    resolver: Arc<dyn Resolve>,
    deadline: Duration,
    under_way: Mutex<HashMap<Key, Lookup>>,
    places: Arc<Semaphore>,
    /// The places of each share that has look-ups.
    shares: Mutex<HashMap<Box<str>, Arc<Semaphore>>>,
}

/// A share's place and one of all. Held until the resolver has ended, however long that is waited
/// for.
type Place = [Option<OwnedSemaphorePermit>; 2];

impl Names {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self::within(DEADLINE, resolver)
    }

    fn within(deadline: Duration, resolver: Arc<dyn Resolve>) -> Self {
        Self(Arc::new(Inner {
            resolver,
            deadline,
            under_way: Mutex::default(),
            places: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            shares: Mutex::default(),
        }))
    }

    /// The addresses of `host`, looked up in a place of `share`.
    pub(super) async fn find(&self, host: &str, share: &str) -> Found {
        self.lookup((share.into(), host.into())).await
    }

    fn lookup(&self, key: Key) -> Lookup {
        let mut under_way = lock(&self.0.under_way);
        if let Some(lookup) = under_way.get(&key) {
            return lookup.clone();
        }
        // A task of its own, so that the one who asked first may give up without the others.
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
    let place = inner.place(&key.0).await;
    let (resolver, host) = (inner.resolver.clone(), key.1.clone());
    let resolving = tokio::spawn(async move {
        let _place = place;
        resolver.resolve(&host).await
    });
    let found = match timeout(inner.deadline, resolving).await {
        Ok(ended) => ended.unwrap_or_else(|error| Err(error.into())),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the look-up timed out",
        )),
    };
    lock(&inner.under_way).remove(&key);
    found.map(Arc::from).map_err(Arc::new)
}

impl Inner {
    /// A place among the share's and among all, in this order: who waits for one of the share's
    /// keeps nobody else waiting.
    async fn place(&self, share: &str) -> Place {
        let own = self.share(share).acquire_owned().await;
        let of_all = self.places.clone().acquire_owned().await;
        [own.ok(), of_all.ok()]
    }

    fn share(&self, share: &str) -> Arc<Semaphore> {
        let mut shares = lock(&self.shares);
        // Whoever has a place of one or waits for it keeps it alive.
        shares.retain(|_, places| Arc::strong_count(places) > 1);
        let places = shares
            .entry(share.into())
            .or_insert_with(|| Arc::new(Semaphore::new(MAX_LOOKUPS_PER_SHARE)));
        places.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use test_support::within_patience;
    use tokio::sync::watch;

    use super::*;

    /// Answers for names that begin with `slow` when it is let go.
    struct Slow {
        let_go: watch::Sender<bool>,
        asked: watch::Sender<usize>,
    }

    #[async_trait]
    impl Resolve for Slow {
        async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
            self.asked.send_modify(|asked| *asked += 1);
            if host.starts_with("slow") {
                let mut gone = self.let_go.subscribe();
                gone.wait_for(|gone| *gone)
                    .await
                    .map_err(io::Error::other)?;
            }
            Ok(vec![[192, 0, 2, 1].into()])
        }
    }

    fn slow(deadline: Duration) -> (Arc<Slow>, Arc<Names>) {
        let slow = Arc::new(Slow {
            let_go: watch::Sender::new(false),
            asked: watch::Sender::new(0),
        });
        (slow.clone(), Arc::new(Names::within(deadline, slow)))
    }

    /// Asks for as many slow names as there are places in all, and more.
    async fn crowd(slow: &Slow, names: &Arc<Names>) -> Vec<tokio::task::JoinHandle<Found>> {
        let ask = |number: usize| {
            let names = names.clone();
            tokio::spawn(async move { names.find(&format!("slow-{number}"), "acme").await })
        };
        let asking = (0..2 * MAX_LOOKUPS).map(ask).collect();
        let mut asked = slow.asked.subscribe();
        let begun = asked.wait_for(|asked| *asked >= MAX_LOOKUPS_PER_SHARE);
        let begun = within_patience(begun, || "look-ups to begin".into());
        drop(begun.await.unwrap());
        asking
    }

    #[tokio::test]
    async fn slow_names_of_one_tenant_leave_room_for_those_of_others() {
        let (slow, names) = slow(Duration::MAX);
        let mut asking = crowd(&slow, &names).await;
        // Also for a name that the tenant itself waits to ask for.
        let waiting = names.clone();
        let waiting = tokio::spawn(async move { waiting.find("quick", "acme").await });
        asking.push(waiting);
        tokio::task::yield_now().await;
        let found = within_patience(names.find("quick", "globex"), || "another's name".into());
        assert!(found.await.is_ok());
        assert_eq!(*slow.asked.borrow(), MAX_LOOKUPS_PER_SHARE + 1);
        slow.let_go.send_replace(true);
        for asking in asking {
            assert!(asking.await.unwrap().is_ok());
        }
    }

    #[tokio::test]
    async fn a_look_up_is_given_up_and_keeps_its_place_until_it_has_ended() {
        let (slow, names) = slow(Duration::ZERO);
        let mut asking = crowd(&slow, &names).await;
        for asking in asking.drain(..MAX_LOOKUPS_PER_SHARE) {
            let given_up = asking.await.unwrap().unwrap_err();
            assert_eq!(given_up.kind(), io::ErrorKind::TimedOut);
        }
        // The others have every chance to begin.
        for _ in 0..10 * MAX_LOOKUPS {
            tokio::task::yield_now().await;
        }
        assert_eq!(*slow.asked.borrow(), MAX_LOOKUPS_PER_SHARE);
        slow.let_go.send_replace(true);
        let mut asked = slow.asked.subscribe();
        let all = asked.wait_for(|asked| *asked == 2 * MAX_LOOKUPS);
        drop(within_patience(all, || "the others".into()).await.unwrap());
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_for_all_of_a_tenant_who_ask() {
        let (slow, names) = slow(Duration::MAX);
        let ask = || {
            let names = names.clone();
            tokio::spawn(async move { names.find("slow", "acme").await })
        };
        let asking: Vec<_> = (0..20).map(|_| ask()).collect();
        let mut asked = slow.asked.subscribe();
        drop(asked.wait_for(|asked| *asked > 0).await.unwrap());
        slow.let_go.send_replace(true);
        for asking in asking {
            assert!(asking.await.unwrap().is_ok());
        }
        assert_eq!(*slow.asked.borrow(), 1);
    }
}
