//! Signals that wake the scheduler.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use webhook_model::Millis;

/// The time during which released permits are gathered before more deliveries are claimed, while at
/// least three quarters of an endpoint's permits are in use: a call of the store for each permit
/// would cost more than the attempt.
const GATHER: Duration = Duration::from_millis(1);

/// The gathering time while all permits are in use: enough attempts are in flight then.
const GATHER_EXHAUSTED: Duration = Duration::from_millis(5);

pub(super) struct WakeSignals {
    /// Set when something may be due that the scheduler has not seen.
    stale: AtomicBool,
    /// The earliest known moment in the future at which a delivery is due.
    soonest: AtomicU64,
    now: Notify,
    soon: Notify,
    later: Notify,
}

impl WakeSignals {
    pub(super) fn new() -> Self {
        Self {
            stale: AtomicBool::new(true),
            soonest: AtomicU64::new(Millis::NEVER.0),
            now: Notify::new(),
            soon: Notify::new(),
            later: Notify::new(),
        }
    }

    /// Records that something may be due, so that the store must be queried.
    pub(super) fn queue_changed(&self) {
        self.stale.store(true, Ordering::SeqCst);
        self.now.notify_one();
    }

    /// Records that something will be due at this moment.
    pub(super) fn due_at(&self, moment: Millis) {
        if moment.0 < self.soonest.fetch_min(moment.0, Ordering::SeqCst) {
            self.now.notify_one();
        }
    }

    /// Records that an endpoint with due deliveries has released permits; `many` of its permits are
    /// free, or only some.
    pub(super) fn permits_freed(&self, many: bool) {
        if many {
            self.now.notify_one();
        } else {
            self.soon.notify_one();
        }
    }

    /// Records that permits were released after the total limit was reached.
    pub(super) fn exhaustion_ended(&self) {
        self.later.notify_one();
    }

    /// Returns true if the store must be queried at `now`. Signals that arrive after this call are
    /// not covered by that query.
    pub(super) fn take_stale(&self, now: Millis) -> bool {
        let is_due = self.soonest.load(Ordering::SeqCst) <= now.0;
        let stale = self.stale.swap(false, Ordering::SeqCst) || is_due;
        if stale {
            self.soonest.store(Millis::NEVER.0, Ordering::SeqCst);
        }
        stale
    }

    /// Returns the earliest known moment at which a delivery will be due.
    pub(super) fn soonest(&self) -> Millis {
        Millis(self.soonest.load(Ordering::SeqCst))
    }

    /// Waits for a reason to query the store or to request permits again.
    pub(super) async fn wait(&self) {
        let gather = tokio::select! {
            () = self.now.notified() => return,
            () = self.soon.notified() => GATHER,
            () = self.later.notified() => GATHER_EXHAUSTED,
        };
        tokio::select! {
            () = self.now.notified() => {}
            () = sleep(gather) => {}
        }
    }
}
