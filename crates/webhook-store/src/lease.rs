//! The hold that this process has on the deliveries it has in flight.
//!
//! One lease covers all of them, so that keeping it costs the same however many there are. An
//! attempt starts only if the lease outlasts it: by the time another process may take the delivery,
//! this one's attempt has ended.
//!
//! A lease that could not be renewed in time runs out, but its owner does not end it: if no other
//! process has, the next renewal revives it with all that is in flight. A process ends the leases of
//! others only while its own renewals succeed, and after an outage not before the others have had
//! time to renew theirs.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use webhook_model::{Clock, Millis, Owner};

use crate::{Leases, StoreError};

/// The part of the lease's length after which it is renewed: late enough to be cheap, early enough
/// to survive a few failures.
const RENEWALS: u32 = 8;

/// How soon to try again after a renewal that failed, unless the next one is due before.
const RETRY: Duration = Duration::from_secs(1);

/// How long renewals have to succeed in a row before leases of others are ended: as a part of the
/// lease's length, but not below what a lost connection may take to come back.
const STEADY: u32 = 4;
const LEAST_STEADY: Duration = Duration::from_secs(3);

/// How long to wait before asking again for a name that is taken.
const NAME_TAKEN: Duration = Duration::from_millis(500);

/// A process's lease. See the module.
pub struct Lease {
    store: Arc<dyn Leases>,
    clock: Clock,
    length: Duration,
    /// Written by [`Lease::keep`] alone.
    held: RwLock<HeldLease>,
}

/// The end of a lease is kept by two clocks and comes with the earlier one: one of them may be set,
/// the other stops while the machine sleeps.
struct HeldLease {
    owner: Arc<Owner>,
    until: Millis,
    ends: Instant,
}

impl Lease {
    /// Enters the store, waiting while a process of the same name may be alive.
    ///
    /// # Errors
    ///
    /// Those of the store, but [`StoreError::NameTaken`].
    pub async fn acquire(
        store: Arc<dyn Leases>,
        clock: Clock,
        owner: Owner,
        length: Duration,
    ) -> Result<Arc<Self>, StoreError> {
        let lease = Self {
            store,
            clock,
            length,
            held: RwLock::new(HeldLease {
                owner: Arc::new(owner),
                until: Millis(0),
                ends: Instant::now(),
            }),
        };
        lease.acquire_as(lease.owner()).await?;
        Ok(Arc::new(lease))
    }

    /// Who this process is to the store at present.
    pub fn owner(&self) -> Arc<Owner> {
        self.read().owner.clone()
    }

    /// Returns whether `owner` is still who this process is to the store, and its lease outlasts an
    /// attempt that starts now and takes `duration`.
    pub fn covers(&self, owner: &Owner, duration: Duration) -> bool {
        let held = self.read();
        held.owner.incarnation == owner.incarnation
            && self.clock.now().after(duration) < held.until
            && Instant::now() + duration < held.ends
    }

    /// Returns the present moment by the clock that leases are kept by; `None` where that is the
    /// process's own.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn time(&self) -> Result<Option<Millis>, StoreError> {
        self.store.time().await
    }

    /// Renews the lease until `stop`, and gives work of processes that are gone back to the queue.
    pub async fn keep(&self, stop: CancellationToken) {
        let mut steady_since = None;
        loop {
            let pause = self.tick(&mut steady_since).await;
            let sleep = tokio::time::sleep(pause);
            if stop.run_until_cancelled(sleep).await.is_none() {
                return;
            }
        }
    }

    /// Returns how long to wait for the next one.
    async fn tick(&self, steady_since: &mut Option<Instant>) -> Duration {
        let every = self.length / RENEWALS;
        if !self.covers(&self.owner(), Duration::ZERO) {
            // Whatever kept this one from renewing (an outage, a sleep) may have kept the others too.
            *steady_since = None;
        }
        if let Err(error) = self.renew().await {
            tracing::warn!(%error, "lease not renewed");
            *steady_since = None;
            return every.min(RETRY);
        }
        let since = *steady_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= LEAST_STEADY.max(self.length / STEADY) {
            self.recover().await;
        }
        every
    }

    async fn recover(&self) {
        let recovered = match self.now().await {
            Ok(now) => self.store.recover(&self.owner(), now).await,
            Err(error) => Err(error),
        };
        match recovered {
            Ok(0) => {}
            Ok(deliveries) => tracing::warn!(deliveries, "took over work whose lease ran out"),
            Err(error) => tracing::warn!(%error, "cannot look for work whose lease ran out"),
        }
    }

    /// The present moment by the clock that leases are kept by.
    async fn now(&self) -> Result<Millis, StoreError> {
        let time = self.store.time().await?;
        Ok(time.unwrap_or_else(|| self.clock.now()))
    }

    /// Gives the lease up at a graceful stop, when nothing is in flight any more.
    ///
    /// # Errors
    ///
    /// Those of the store. The lease then runs out by itself.
    pub async fn release(&self) -> Result<(), StoreError> {
        self.store
            .release_lease(&self.owner(), self.now().await?)
            .await
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let owner = self.owner();
        let began = self.began();
        let now = self.now().await?;
        let until = now.after(self.length);
        match self.store.renew(&owner, now, until).await {
            Err(StoreError::LeaseLost(name)) => {
                tracing::error!(%name, "lease lost; entering anew");
                self.acquire_as(Arc::new(owner.reincarnated())).await
            }
            other => other.map(|()| self.hold(owner, began)),
        }
    }

    async fn acquire_as(&self, owner: Arc<Owner>) -> Result<(), StoreError> {
        loop {
            let began = self.began();
            let now = self.now().await?;
            let until = now.after(self.length);
            match self.store.acquire_lease(&owner, now, until).await {
                Err(error @ StoreError::NameTaken { .. }) => {
                    tracing::warn!(%error, "waiting for the name");
                    tokio::time::sleep(NAME_TAKEN).await;
                }
                other => return other.map(|()| self.hold(owner, began)),
            }
        }
    }

    /// The present moment by both clocks, to be read before the store is asked.
    fn began(&self) -> (Millis, Instant) {
        (self.clock.now(), Instant::now())
    }

    fn hold(&self, owner: Arc<Owner>, (now, instant): (Millis, Instant)) {
        let mut held = self.held.write().unwrap_or_else(|e| e.into_inner());
        *held = HeldLease {
            owner,
            until: now.after(self.length),
            ends: instant + self.length,
        };
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HeldLease> {
        self.held.read().unwrap_or_else(|e| e.into_inner())
    }
}
