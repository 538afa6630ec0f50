//! WASI's clocks, as a [`Clock`].

use std::time::Duration;

use wasi::clocks::{monotonic_clock, wall_clock};

use super::{Spin, wait};
use crate::platform::Clock;

impl Clock for Spin {
    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    fn unix_seconds(&self) -> u64 {
        wall_clock::now().seconds
    }

    async fn sleep_until(&self, moment: Duration) {
        let moment = u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX);
        wait::until(
            || (monotonic_clock::now() >= moment).then_some(()),
            || monotonic_clock::subscribe_instant(moment),
        )
        .await;
    }
}
