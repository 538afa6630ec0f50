//! A dispatch port with permits that tests control.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use webhook_model::{EndpointId, Owner, TenantId};
use webhook_sender::plan::DispatchPort;
use webhook_store::Claim;

/// Grants a number of permits to any endpoint, and records the deliveries that were started.
#[derive(Default)]
pub struct FakeDispatchPort {
    state: Mutex<State>,
    wakes: watch::Sender<usize>,
    starts: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    free: usize,
    held: usize,
    started: Vec<Claim>,
}

impl FakeDispatchPort {
    pub fn with_permits(free: usize) -> Self {
        let dispatch_port = Self::default();
        dispatch_port.state.lock().unwrap().free = free;
        dispatch_port
    }

    /// Returns the number of permits that are reserved and neither used nor released.
    pub fn held(&self) -> usize {
        self.state.lock().unwrap().held
    }

    pub fn started(&self) -> Vec<Claim> {
        self.state.lock().unwrap().started.clone()
    }

    /// Waits until `count` deliveries have started.
    pub async fn until_started(&self, count: usize) {
        let mut starts = self.starts.subscribe();
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
    fn reserve(&self, _: &TenantId, _: &EndpointId) -> bool {
        let mut state = self.state.lock().unwrap();
        let free = state.free > 0;
        if free {
            state.free -= 1;
            state.held += 1;
        }
        free
    }

    fn unreserve(&self, _: &TenantId, _: &EndpointId) {
        let mut state = self.state.lock().unwrap();
        state.held = state
            .held
            .checked_sub(1)
            .expect("only reserved permits are released");
        state.free += 1;
    }

    fn start(&self, _: &Arc<Owner>, claims: Vec<Claim>) {
        let mut state = self.state.lock().unwrap();
        state.held = state
            .held
            .checked_sub(claims.len())
            .expect("a permit for each claim");
        state.started.extend(claims);
        self.starts.send_replace(state.started.len());
    }

    fn wake(&self) {
        self.wakes.send_modify(|wakes| *wakes += 1);
    }
}
