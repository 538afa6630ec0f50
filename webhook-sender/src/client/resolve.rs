//! From a name to addresses.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;

/// The most look-ups at a time. Each may hold a thread until the system's resolver gives up, some
/// ten seconds, and there are other uses for threads.
const MAX_LOOKUPS: usize = 64;

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

/// Asks a resolver once where many ask for one name at a time. Nothing is remembered beyond that.
pub(super) struct Names(Arc<Inner>);

struct Inner {
    resolver: Arc<dyn Resolve>,
    under_way: Mutex<HashMap<Box<str>, Lookup>>,
    places: Semaphore,
}

impl Names {
    pub(super) fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self(Arc::new(Inner {
            resolver,
            under_way: Mutex::default(),
            places: Semaphore::new(MAX_LOOKUPS),
        }))
    }

    /// The addresses of `host`.
    pub(super) async fn find(&self, host: &str) -> Found {
        self.lookup(host).await
    }

    fn lookup(&self, host: &str) -> Lookup {
        let mut under_way = self.0.under_way();
        if let Some(lookup) = under_way.get(host) {
            return lookup.clone();
        }
        let key: Box<str> = host.into();
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

async fn look_up(inner: Arc<Inner>, host: Box<str>) -> Found {
    let found = {
        let _place = inner.places.acquire().await;
        inner.resolver.resolve(&host).await
    };
    inner.under_way().remove(&host);
    found.map(Arc::from).map_err(Arc::new)
}

impl Inner {
    fn under_way(&self) -> MutexGuard<'_, HashMap<Box<str>, Lookup>> {
        self.under_way
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
