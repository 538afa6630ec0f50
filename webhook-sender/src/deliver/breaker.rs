//! Spares an endpoint that fails, and the deliveries that would fail with it.
//!
//! After [`THRESHOLD`] failures in a row the breaker is open: nothing starts. Once the attempts under
//! way have ended and a wait has passed, one delivery is let through as a probe. If it fails the wait
//! doubles; if it is answered the breaker is closed again, at first for two attempts at a time and
//! with each success for twice as many, so that a receiver that has just come back is not buried
//! under what has piled up.

use std::time::Duration;

use tokio::time::Instant;

/// So many failures in a row are no coincidence even for a receiver that fails every other request
/// (1 in 1024), and few enough to leave the deliveries behind them their attempts.
const THRESHOLD: u32 = 10;

/// The wait before the first probe: shorter than the first retry of the default schedule.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait between probes: how late a receiver's return is noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How many attempts may be made at a time when a probe has been answered.
const FIRST_LIMIT: usize = 2;

/// From this limit on there is none.
const NO_LIMIT: usize = 512;

#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Failures in a row, while closed.
    failures: u32,
    /// The most attempts at a time after a return.
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open { until: Instant, wait: Duration },
    Probing { wait: Duration },
}

/// What a breaker lets through.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    Any,
    /// So many attempts more.
    UpTo(usize),
    /// Nothing before that moment.
    From(Instant),
}

/// What an outcome changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Opened,
    Closed,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            state: State::Closed,
            failures: 0,
            limit: None,
        }
    }

    /// Whether it holds deliveries back, probes aside.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed)
    }

    /// What may start now, with so many attempts under way.
    pub(super) fn room(&self, in_flight: usize, now: Instant) -> Room {
        match self.state {
            State::Closed => match self.limit {
                None => Room::Any,
                Some(limit) => Room::UpTo(limit.saturating_sub(in_flight)),
            },
            // Alone, so that its outcome is told from those of attempts that began before.
            State::Open { until, .. } if until <= now => {
                Room::UpTo(1_usize.saturating_sub(in_flight))
            }
            State::Open { until, .. } => Room::From(until),
            State::Probing { .. } => Room::UpTo(0),
        }
    }

    /// An attempt was let through.
    pub(super) fn admitted(&mut self) {
        if let State::Open { wait, .. } = self.state {
            self.state = State::Probing { wait };
        }
    }

    /// An attempt that was let through is not made.
    pub(super) fn unused(&mut self, now: Instant) {
        if let State::Probing { wait } = self.state {
            self.state = State::Open { until: now, wait };
        }
    }

    /// The receiver answered, if only that it does not want this delivery.
    pub(super) fn well(&mut self) -> Change {
        self.failures = 0;
        let change = match self.state {
            State::Closed => Change::None,
            State::Open { .. } | State::Probing { .. } => Change::Closed,
        };
        self.limit = match (change, self.limit) {
            (Change::Closed, _) => Some(FIRST_LIMIT),
            (_, Some(limit)) if limit < NO_LIMIT => Some(limit * 2),
            _ => None,
        };
        self.state = State::Closed;
        change
    }

    /// It did not, or has trouble. `at_least`: it asked for that wait. `random`: from 0 to 1, for
    /// waits that differ between senders.
    pub(super) fn ill(&mut self, at_least: Duration, now: Instant, random: f64) -> Change {
        let (wait, change) = match self.state {
            // Attempts from before it opened. They tell nothing new.
            State::Open { .. } => return Change::None,
            State::Probing { wait } => ((wait * 2).min(LONGEST_WAIT), Change::None),
            State::Closed => {
                self.failures += 1;
                self.limit = self.limit.map(|limit| (limit / 2).max(1));
                if self.failures < THRESHOLD {
                    return Change::None;
                }
                (FIRST_WAIT, Change::Opened)
            }
        };
        let drawn = wait.mul_f64(0.8 + 0.4 * random.clamp(0.0, 1.0));
        let until = now + drawn.max(at_least.min(LONGEST_WAIT));
        self.state = State::Open { until, wait };
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(now: Instant) -> Breaker {
        let mut breaker = Breaker::new();
        for _ in 1..THRESHOLD {
            assert_eq!(breaker.ill(Duration::ZERO, now, 0.5), Change::None);
        }
        assert_eq!(breaker.ill(Duration::ZERO, now, 0.5), Change::Opened);
        breaker
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let (mut breaker, now) = (Breaker::new(), Instant::now());
        for _ in 0..100 {
            for _ in 1..THRESHOLD {
                breaker.ill(Duration::ZERO, now, 0.5);
            }
            assert_eq!(breaker.well(), Change::None);
        }
        assert_eq!(breaker.room(1000, now), Room::Any);
    }

    #[test]
    fn an_open_one_lets_single_probes_through_at_growing_distances() {
        let mut now = Instant::now();
        let mut breaker = open(now);
        let mut waits = vec![];
        for _ in 0..7 {
            let Room::From(until) = breaker.room(0, now) else {
                panic!("not open");
            };
            waits.push((until - now).as_secs());
            now = until;
            assert_eq!(breaker.room(3, now), Room::UpTo(0), "others are under way");
            assert_eq!(breaker.room(0, now), Room::UpTo(1));
            breaker.admitted();
            assert_eq!(breaker.room(1, now), Room::UpTo(0), "one is under way");
            assert_eq!(breaker.ill(Duration::ZERO, now, 0.5), Change::None);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn an_answered_probe_closes_it_step_by_step() {
        let now = Instant::now();
        let mut breaker = open(now);
        let later = now + LONGEST_WAIT;
        assert_eq!(breaker.room(0, later), Room::UpTo(1));
        breaker.admitted();
        assert_eq!(breaker.well(), Change::Closed);
        let mut limits = vec![];
        while let Room::UpTo(limit) = breaker.room(0, later) {
            limits.push(limit);
            assert_eq!(breaker.well(), Change::None);
        }
        assert_eq!(limits, [2, 4, 8, 16, 32, 64, 128, 256, 512]);
    }

    #[test]
    fn failures_from_before_it_opened_do_not_put_the_probe_off() {
        let now = Instant::now();
        let mut breaker = open(now);
        let before = breaker.room(0, now);
        assert_eq!(
            breaker.ill(Duration::ZERO, now + FIRST_WAIT, 0.5),
            Change::None
        );
        assert_eq!(breaker.room(0, now), before);
    }

    #[test]
    fn a_probe_that_is_not_made_can_be_made_at_once() {
        let now = Instant::now();
        let mut breaker = open(now);
        let later = now + LONGEST_WAIT;
        breaker.admitted();
        breaker.unused(later);
        assert_eq!(breaker.room(0, later), Room::UpTo(1));
    }

    #[test]
    fn a_wait_the_receiver_asks_for_is_kept_within_bounds() {
        let now = Instant::now();
        for (asked, kept) in [(20, 20), (3600, 30)] {
            let mut breaker = Breaker::new();
            for _ in 0..THRESHOLD {
                breaker.ill(Duration::from_secs(asked), now, 0.5);
            }
            assert_eq!(
                breaker.room(0, now),
                Room::From(now + Duration::from_secs(kept))
            );
        }
    }
}
