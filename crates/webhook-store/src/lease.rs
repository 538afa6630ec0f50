//! The lease of this process on its deliveries in flight.
//!
//! One lease covers all of them, so that its renewal costs the same for any number of deliveries. An
//! attempt starts only if the lease outlasts it: by the time another process may claim the delivery,
//! the attempt of this one has ended.
//!
//! A lease that could not be renewed in time expires, but its owner does not end it: unless another
//! process has ended it, the next renewal revives it with all deliveries in flight. A process ends
//! the leases of others only while its own renewals succeed, and after an outage only when the
//! others have had time to renew theirs.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use webhook_model::{Clock, Millis, Owner};

use crate::{Leases, StoreError};

/// The number of renewals in a lease's length: few enough to be cheap, enough to survive a few
/// failures.
const RENEWALS: u32 = 8;

/// The longest pause after a renewal that failed.
const RETRY: Duration = Duration::from_secs(1);

/// Renewals must succeed for this part of the lease's length before this process ends leases of
/// others, and for no less than a lost connection may take to come back.
const STEADY: u32 = 4;
const LEAST_STEADY: Duration = Duration::from_secs(3);

/// The pause before another attempt to acquire the lease of a name that is taken.
const NAME_TAKEN: Duration = Duration::from_millis(500);

/// The lease of a process, which [`Lease::keep`] renews.
pub struct Lease {
    store: Arc<dyn Leases>,
    clock: Clock,
    length: Duration,
    /// Written by [`Lease::keep`] only; read before each attempt. The lock is held for a moment.
    held: RwLock<HeldLease>,
}

/// A lease ends by two clocks, whichever comes first: the wall clock may be set, and the monotonic
/// one stops while the machine sleeps.
struct HeldLease {
    owner: Arc<Owner>,
    until: Millis,
    ends: Instant,
}

impl Lease {
    /// Acquires the lease of `owner`, and waits while a process of the same name may be alive.
    ///
    /// # Errors
    ///
    /// Errors of the store, except [`StoreError::NameTaken`].
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

    /// Returns the owner under which this process claims at present.
    pub fn owner(&self) -> Arc<Owner> {
        self.read().owner.clone()
    }

    /// Returns whether `owner` is still the owner of this process, and its lease outlasts an attempt
    /// that starts now and takes `duration`.
    pub fn covers(&self, owner: &Owner, duration: Duration) -> bool {
        let held = self.read();
        held.owner.incarnation == owner.incarnation
            && self.clock.now().after(duration) < held.until
            && Instant::now() + duration < held.ends
    }

    /// Returns the time by the clock of the leases; `None` if that is the clock of this process.
    ///
    /// # Errors
    ///
    /// Errors of the store.
    pub async fn time(&self) -> Result<Option<Millis>, StoreError> {
        self.store.time().await
    }

    /// Renews the lease until `stop`, and returns deliveries of processes that are gone to the queue.
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

    /// Renews once, and returns the pause before the next renewal.
    async fn tick(&self, steady_since: &mut Option<Instant>) -> Duration {
        let every = self.length / RENEWALS;
        if !self.covers(&self.owner(), Duration::ZERO) {
            // An outage or a sleep that prevented this renewal may have prevented those of others too.
            *steady_since = None;
        }
        if let Err(error) = self.renew().await {
            tracing::warn!(%error, "lease renewal failed");
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
            Ok(deliveries) => tracing::warn!(deliveries, "recovered deliveries of expired leases"),
            Err(error) => tracing::warn!(%error, "recovery of expired leases failed"),
        }
    }

    /// Returns the time by the clock of the leases.
    async fn now(&self) -> Result<Millis, StoreError> {
        let time = self.store.time().await?;
        Ok(time.unwrap_or_else(|| self.clock.now()))
    }

    /// Releases the lease at a graceful stop, when nothing is in flight any more.
    ///
    /// # Errors
    ///
    /// Errors of the store. The lease then expires by itself.
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
                tracing::error!(%name, "lease lost; acquiring a new one");
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

    /// Returns the time by both clocks. It is read before the call of the store.
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
