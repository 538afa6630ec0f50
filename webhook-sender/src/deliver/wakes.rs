//! What wakes the claimer.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;
use webhook_model::Millis;

/// How long places that come free are gathered before more is claimed, while at least three quarters
/// of an endpoint's places are busy: a call of the store for each would cost more than the attempt.
const GATHER: Duration = Duration::from_millis(1);

/// The same while there are no places left at all: then there is enough under way.
const GATHER_CROWDED: Duration = Duration::from_millis(5);

pub(super) struct Wakes {
    /// Whether something may be due that the claimer does not know of.
    stale: AtomicBool,
    /// When the next delivery is due that is not due yet, as far as known.
    soonest: AtomicU64,
    now: Notify,
    soon: Notify,
    later: Notify,
}

impl Wakes {
    pub(super) fn new() -> Self {
        Self {
            stale: AtomicBool::new(true),
            soonest: AtomicU64::new(Millis::NEVER.0),
            now: Notify::new(),
            soon: Notify::new(),
            later: Notify::new(),
        }
    }

    /// Something may be due: the store has to be asked.
    pub(super) fn ask(&self) {
        self.stale.store(true, Ordering::SeqCst);
        self.now.notify_one();
    }

    /// Something will be due at that moment.
    pub(super) fn due_at(&self, moment: Millis) {
        if moment.0 < self.soonest.fetch_min(moment.0, Ordering::SeqCst) {
            self.now.notify_one();
        }
    }

    /// Places have come free for what is due, many or some.
    pub(super) fn room(&self, much: bool) {
        match much {
            true => self.now.notify_one(),
            false => self.soon.notify_one(),
        }
    }

    /// Places have come free where there were none for anybody.
    pub(super) fn less_crowded(&self) {
        self.later.notify_one();
    }

    /// Whether the store has to be asked at `now`. What is reported from here on counts as not
    /// answered by it.
    pub(super) fn take_stale(&self, now: Millis) -> bool {
        let is_due = self.soonest.load(Ordering::SeqCst) <= now.0;
        let stale = self.stale.swap(false, Ordering::SeqCst) || is_due;
        if stale {
            self.soonest.store(Millis::NEVER.0, Ordering::SeqCst);
        }
        stale
    }

    /// When the next delivery is due.
    pub(super) fn soonest(&self) -> Millis {
        Millis(self.soonest.load(Ordering::SeqCst))
    }

    /// Waits for a reason to look again.
    pub(super) async fn any(&self) {
        let gather = tokio::select! {
            () = self.now.notified() => return,
            () = self.soon.notified() => GATHER,
            () = self.later.notified() => GATHER_CROWDED,
        };
        tokio::select! {
            () = self.now.notified() => {}
            () = sleep(gather) => {}
        }
    }
}
