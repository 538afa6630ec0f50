//! The scores of sorted sets by time.

use std::sync::atomic::{AtomicU64, Ordering};

use webhook_model::Millis;

/// The number of scores in a millisecond. Until the year 2248, scores are integers that a double
/// represents exactly.
pub(super) const SCORES_PER_MS: u64 = 1024;

/// The last score of a kind of records.
#[derive(Default)]
pub(super) struct Scores(AtomicU64);

impl Scores {
    /// Returns scores for `count` records written at `now`, which increase within the millisecond.
    /// Records beyond the scores of the millisecond share the last one.
    pub(super) fn next(&self, now: Millis, count: usize) -> impl Iterator<Item = u64> + use<> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let first = first_score(now);
        let last = first.saturating_add(SCORES_PER_MS - 1);
        let begin = |before: u64| {
            if (first..=last).contains(&before) {
                before.saturating_add(1)
            } else {
                first
            }
        };
        let moved = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |before| {
                Some(
                    begin(before)
                        .saturating_add(count)
                        .saturating_sub(1)
                        .min(last),
                )
            });
        let begin = begin(moved.unwrap_or_else(|before| before));
        (begin..=u64::MAX).map(move |score| score.min(last))
    }

    /// Returns the first of `count` scores, for a script that computes the others.
    pub(super) fn first(&self, now: Millis, count: usize) -> u64 {
        self.next(now, count).next().unwrap_or_default()
    }
}

/// Returns the first score of a millisecond.
pub(super) fn first_score(at: Millis) -> u64 {
    at.0.saturating_mul(SCORES_PER_MS)
}

/// Returns the millisecond of a score.
pub(super) fn time_of(score: u64) -> Millis {
    Millis(score / SCORES_PER_MS)
}
