//! A circuit breaker: stops calling an endpoint that fails, and spares the deliveries that would
//! fail with it.
//!
//! After [`THRESHOLD`] consecutive failures the breaker opens, and no attempt starts. Once the
//! attempts in flight have ended and a wait has passed, one delivery is attempted as a probe. If it
//! fails, the wait doubles. If it succeeds, the breaker closes, at first with a limit of two
//! concurrent attempts, which doubles with each success, so that the backlog does not overload a
//! receiver that has just recovered.

use std::time::Duration;

use tokio::time::Instant;

/// Consecutive failures that open the breaker. Chance does not explain them even for a receiver
/// that fails every other request (1 in 1024), and they are few enough that the deliveries behind
/// them keep their attempts.
const THRESHOLD: u32 = 10;

/// The wait before the first probe: shorter than the first retry of the default schedule.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait between probes: the longest delay until a recovered receiver is noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The limit of concurrent attempts after a successful probe.
const FIRST_LIMIT: usize = 2;

/// The limit from which on attempts are no longer limited.
const NO_LIMIT: usize = 512;

#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Consecutive failures while closed.
    failures: u32,
    /// The limit of concurrent attempts after a recovery; `None` for no limit.
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open { until: Instant, wait: Duration },
    Probing { wait: Duration },
}

/// The number of attempts that a breaker allows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Allowance {
    Any,
    /// At most this many further attempts.
    UpTo(usize),
    /// No attempt before this moment.
    After(Instant),
}

/// The change of state that an outcome caused.
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

    /// Returns true while only probes may be attempted.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.state, State::Closed)
    }

    /// Returns the number of attempts that may start now, with `in_flight` attempts running.
    pub(super) fn allowance(&self, in_flight: usize, now: Instant) -> Allowance {
        match self.state {
            State::Closed => match self.limit {
                None => Allowance::Any,
                Some(limit) => Allowance::UpTo(limit.saturating_sub(in_flight)),
            },
            // A probe runs alone, so that its outcome cannot be confused with that of an earlier
            // attempt.
            State::Open { until, .. } if until <= now => {
                Allowance::UpTo(1_usize.saturating_sub(in_flight))
            }
            State::Open { until, .. } => Allowance::After(until),
            State::Probing { .. } => Allowance::UpTo(0),
        }
    }

    /// Records that an attempt was admitted.
    pub(super) fn attempt_started(&mut self) {
        if let State::Open { wait, .. } = self.state {
            self.state = State::Probing { wait };
        }
    }

    /// Records that an admitted attempt is not made.
    pub(super) fn attempt_cancelled(&mut self, now: Instant) {
        if let State::Probing { wait } = self.state {
            self.state = State::Open { until: now, wait };
        }
    }

    /// Records a response of the receiver, which may be a rejection.
    pub(super) fn on_success(&mut self) -> Change {
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

    /// Records an unhealthy attempt. `at_least` is the wait that the receiver requested; `random`,
    /// from 0 to 1, varies the wait between processes.
    pub(super) fn on_failure(&mut self, at_least: Duration, now: Instant, random: f64) -> Change {
        let (wait, change) = match self.state {
            // Attempts from before the breaker opened contain no news.
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
            assert_eq!(breaker.on_failure(Duration::ZERO, now, 0.5), Change::None);
        }
        assert_eq!(breaker.on_failure(Duration::ZERO, now, 0.5), Change::Opened);
        breaker
    }

    #[test]
    fn a_success_between_failures_keeps_the_breaker_closed() {
        let (mut breaker, now) = (Breaker::new(), Instant::now());
        for _ in 0..100 {
            for _ in 1..THRESHOLD {
                breaker.on_failure(Duration::ZERO, now, 0.5);
            }
            assert_eq!(breaker.on_success(), Change::None);
        }
        assert_eq!(breaker.allowance(1000, now), Allowance::Any);
    }

    #[test]
    fn an_open_breaker_allows_single_probes_at_growing_intervals() {
        let mut now = Instant::now();
        let mut breaker = open(now);
        let mut waits = vec![];
        for _ in 0..7 {
            let Allowance::After(until) = breaker.allowance(0, now) else {
                panic!("not open");
            };
            waits.push((until - now).as_secs());
            now = until;
            assert_eq!(
                breaker.allowance(3, now),
                Allowance::UpTo(0),
                "other attempts are in flight"
            );
            assert_eq!(breaker.allowance(0, now), Allowance::UpTo(1));
            breaker.attempt_started();
            assert_eq!(
                breaker.allowance(1, now),
                Allowance::UpTo(0),
                "the probe is in flight"
            );
            assert_eq!(breaker.on_failure(Duration::ZERO, now, 0.5), Change::None);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    }

    #[test]
    fn a_successful_probe_closes_the_breaker_with_a_growing_limit() {
        let now = Instant::now();
        let mut breaker = open(now);
        let later = now + LONGEST_WAIT;
        assert_eq!(breaker.allowance(0, later), Allowance::UpTo(1));
        breaker.attempt_started();
        assert_eq!(breaker.on_success(), Change::Closed);
        let mut limits = vec![];
        while let Allowance::UpTo(limit) = breaker.allowance(0, later) {
            limits.push(limit);
            assert_eq!(breaker.on_success(), Change::None);
        }
        assert_eq!(limits, [2, 4, 8, 16, 32, 64, 128, 256, 512]);
    }

    #[test]
    fn failures_of_earlier_attempts_do_not_delay_the_probe() {
        let now = Instant::now();
        let mut breaker = open(now);
        let before = breaker.allowance(0, now);
        assert_eq!(
            breaker.on_failure(Duration::ZERO, now + FIRST_WAIT, 0.5),
            Change::None
        );
        assert_eq!(breaker.allowance(0, now), before);
    }

    #[test]
    fn a_cancelled_probe_can_be_made_immediately() {
        let now = Instant::now();
        let mut breaker = open(now);
        let later = now + LONGEST_WAIT;
        breaker.attempt_started();
        breaker.attempt_cancelled(later);
        assert_eq!(breaker.allowance(0, later), Allowance::UpTo(1));
    }

    #[test]
    fn a_requested_wait_is_bounded() {
        let now = Instant::now();
        for (requested, expected) in [(20, 20), (3600, 30)] {
            let mut breaker = Breaker::new();
            for _ in 0..THRESHOLD {
                breaker.on_failure(Duration::from_secs(requested), now, 0.5);
            }
            assert_eq!(
                breaker.allowance(0, now),
                Allowance::After(now + Duration::from_secs(expected))
            );
        }
    }
}
