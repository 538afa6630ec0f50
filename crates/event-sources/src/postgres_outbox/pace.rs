//! The pace at which a busy table is read.
//!
//! A transaction that notifies waits for every other one that does, so a reader which waits after each
//! row slows its writers down to the time of one commit each. While rows are frequent, the reader reads
//! at short intervals instead and writers do not notify.

use std::time::Duration;

use tokio::time::Instant;

/// The rows within [`WINDOW`] from which on the table is busy.
const BUSY: usize = 16;

const WINDOW: Duration = Duration::from_millis(20);

/// The time for which the table stays busy after it was.
const HOLD: Duration = Duration::from_millis(20);

/// The interval between reads of a busy table.
const INTERVAL: Duration = Duration::from_millis(2);

/// A read of as many rows is followed by the next one at once: there are more.
const MANY: usize = 64;

/// The frequency of the rows that were found.
#[derive(Debug)]
pub(super) struct Pace {
    window: Instant,
    /// The rows that were found since the window began.
    rows: usize,
    busy_until: Instant,
    next_read: Instant,
}

impl Pace {
    pub fn new(now: Instant) -> Self {
        Self {
            window: now,
            rows: 0,
            busy_until: now,
            next_read: now,
        }
    }

    /// Records the number of rows that a read found.
    pub fn found(&mut self, rows: usize, now: Instant) {
        if now.duration_since(self.window) > WINDOW {
            (self.window, self.rows) = (now, 0);
        }
        self.rows += rows;
        if self.rows >= BUSY {
            self.busy_until = now + HOLD;
        }
        let pauses = self.is_busy(now) && rows < MANY;
        self.next_read = if pauses { now + INTERVAL } else { now };
    }

    /// Returns whether rows are so frequent that writers need not notify.
    pub fn is_busy(&self, now: Instant) -> bool {
        now < self.busy_until
    }

    /// Returns the time of the next read of a busy table.
    pub fn next_read(&self) -> Instant {
        self.next_read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_table_is_busy_while_rows_are_frequent() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..BUSY {
            assert!(!pace.is_busy(now));
            pace.found(1, now);
            now += MILLISECOND;
        }
        assert!(pace.is_busy(now));
        now += HOLD;
        assert!(!pace.is_busy(now), "no row was found since");
    }

    #[test]
    fn rows_that_are_rare_never_make_a_table_busy() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..10 * BUSY {
            now += 5 * MILLISECOND;
            pace.found(1, now);
            assert!(!pace.is_busy(now));
            assert_eq!(pace.next_read(), now);
        }
    }

    #[test]
    fn a_backlog_is_read_without_a_pause() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        pace.found(MANY, now);
        assert!(pace.is_busy(now));
        assert_eq!(pace.next_read(), now);
        pace.found(1, now);
        assert_eq!(pace.next_read(), now + INTERVAL);
    }
}
