//! The hold that this process has on the deliveries it has in flight.
//!
//! One lease covers all of them, so that keeping it costs the same however many there are. An
//! attempt starts only if the lease outlasts it: by the time another process may take the delivery,
//! this one's attempt has ended.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::model::{Clock, Millis};
use crate::store::{Owner, Store, StoreError};

/// The part of the lease's length after which it is renewed: late enough to be cheap, early enough
/// to survive a few failures.
const RENEWALS: u32 = 8;

/// How long to wait before asking again for a name that is taken.
const NAME_TAKEN: Duration = Duration::from_millis(500);

/// A process's lease. See the module.
pub struct Lease {
    store: Arc<dyn Store>,
    clock: Clock,
    length: Duration,
    /// Written by [`Lease::keep`] alone.
    held: RwLock<Held>,
}

struct Held {
    owner: Arc<Owner>,
    until: Millis,
}

impl Lease {
    /// Enters the store, waiting while a process of the same name may be alive.
    ///
    /// # Errors
    ///
    /// Those of the store, but [`StoreError::NameTaken`].
    pub async fn enter(
        store: Arc<dyn Store>,
        clock: Clock,
        owner: Owner,
        length: Duration,
    ) -> Result<Arc<Self>, StoreError> {
        let lease = Self {
            store,
            clock,
            length,
            held: RwLock::new(Held {
                owner: Arc::new(owner),
                until: Millis(0),
            }),
        };
        lease.enter_as(lease.owner()).await?;
        Ok(Arc::new(lease))
    }

    /// Who this process is to the store at present.
    pub fn owner(&self) -> Arc<Owner> {
        self.read().owner.clone()
    }

    /// Whether `owner` is still who this process is to the store, and its lease outlasts an attempt
    /// that starts now and takes `duration`.
    pub fn covers(&self, owner: &Owner, duration: Duration) -> bool {
        let held = self.read();
        held.owner.incarnation == owner.incarnation && self.clock.now().after(duration) < held.until
    }

    /// Renews the lease until `stop`, and gives work of processes that are gone back to the queue.
    pub async fn keep(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.length / RENEWALS);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.renew().await {
                tracing::warn!(%error, "lease not renewed");
            }
            match self.store.recover(self.clock.now()).await {
                Ok(0) => {}
                Ok(deliveries) => tracing::warn!(deliveries, "took over work whose lease ran out"),
                Err(error) => tracing::warn!(%error, "cannot look for work whose lease ran out"),
            }
        }
    }

    /// Gives the lease up at a graceful stop, when nothing is in flight any more.
    ///
    /// # Errors
    ///
    /// Those of the store. The lease then runs out by itself.
    pub async fn leave(&self) -> Result<(), StoreError> {
        self.store.leave(&self.owner(), self.clock.now()).await
    }

    async fn renew(&self) -> Result<(), StoreError> {
        let owner = self.owner();
        let now = self.clock.now();
        let until = now.after(self.length);
        match self.store.renew(&owner, now, until).await {
            Err(StoreError::LeaseLost(name)) => {
                tracing::error!(%name, "lease lost; entering anew");
                self.enter_as(Arc::new(owner.reincarnated())).await
            }
            other => other.map(|()| self.hold(owner, until)),
        }
    }

    async fn enter_as(&self, owner: Arc<Owner>) -> Result<(), StoreError> {
        loop {
            let now = self.clock.now();
            let until = now.after(self.length);
            match self.store.enter(&owner, now, until).await {
                Err(error @ StoreError::NameTaken { .. }) => {
                    tracing::warn!(%error, "waiting for the name");
                    tokio::time::sleep(NAME_TAKEN).await;
                }
                other => return other.map(|()| self.hold(owner, until)),
            }
        }
    }

    fn hold(&self, owner: Arc<Owner>, until: Millis) {
        let mut held = self.held.write().unwrap_or_else(|e| e.into_inner());
        *held = Held { owner, until };
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(|e| e.into_inner())
    }
}
