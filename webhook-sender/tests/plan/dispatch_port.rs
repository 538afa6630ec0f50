//! A dispatch port with permits that tests control.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use webhook_model::{EndpointId, Owner, TenantId};
use webhook_sender::plan::{DispatchPort, ReservedPermit};
use webhook_store::Claim;

/// Grants a number of permits to any endpoint, and records the deliveries that were started.
#[derive(Default)]
pub struct FakeDispatchPort {
    shared: Arc<Shared>,
    wakes: watch::Sender<usize>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    starts: watch::Sender<usize>,
    /// The permits that are reserved and neither used nor released.
    held: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    free: usize,
    started: Vec<Claim>,
}

/// A permit of a [`FakeDispatchPort`], which is free again unless it starts a delivery.
struct FakePermit {
    shared: Arc<Shared>,
    used: bool,
}

impl FakeDispatchPort {
    pub fn with_permits(free: usize) -> Self {
        let dispatch_port = Self::default();
        dispatch_port.shared.state.lock().unwrap().free = free;
        dispatch_port
    }

    /// Returns the number of permits that are reserved and neither used nor released.
    pub fn held(&self) -> usize {
        *self.shared.held.borrow()
    }

    /// Waits until `count` permits are reserved and neither used nor released.
    pub async fn until_held(&self, count: usize) {
        let mut changes = self.shared.held.subscribe();
        let held = changes.wait_for(|held| *held == count);
        let held = test_support::with_timeout(held, || format!("{count} reserved permits"));
        held.await.unwrap();
    }

    pub fn started(&self) -> Vec<Claim> {
        self.shared.state.lock().unwrap().started.clone()
    }

    /// Waits until `count` deliveries have started.
    pub async fn until_started(&self, count: usize) {
        let mut starts = self.shared.starts.subscribe();
        let started = starts.wait_for(|starts| *starts >= count);
        let started = test_support::with_timeout(started, || format!("{count} starts"));
        started.await.unwrap();
    }

    pub fn wakes(&self) -> usize {
        *self.wakes.borrow()
    }

    /// Waits until `wake` was called.
    pub async fn woken(&self) {
        self.wakes
            .subscribe()
            .wait_for(|wakes| *wakes > 0)
            .await
            .unwrap();
    }
}

impl DispatchPort for FakeDispatchPort {
    fn reserve(&self, _: &TenantId, _: &EndpointId) -> Option<Box<dyn ReservedPermit>> {
        let mut state = self.shared.state.lock().unwrap();
        state.free = state.free.checked_sub(1)?;
        self.shared.held.send_modify(|held| *held += 1);
        Some(Box::new(FakePermit {
            shared: self.shared.clone(),
            used: false,
        }))
    }

    fn is_breaker_open(&self, _: &TenantId, _: &EndpointId) -> bool {
        false
    }

    fn wake(&self) {
        self.wakes.send_modify(|wakes| *wakes += 1);
    }
}

impl ReservedPermit for FakePermit {
    fn start(mut self: Box<Self>, _: &Arc<Owner>, claim: Claim) {
        self.used = true;
        let mut state = self.shared.state.lock().unwrap();
        state.started.push(claim);
        self.shared.starts.send_replace(state.started.len());
    }
}

impl Drop for FakePermit {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().unwrap();
        self.shared.held.send_modify(|held| *held -= 1);
        state.free += usize::from(!self.used);
    }
}
