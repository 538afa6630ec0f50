//! Reads positions of sorted sets, the highest scores first.

use super::RedisStore;
use crate::Result;

/// A score and a member of a sorted set. Scores are whole numbers below 2^53: see `scores.rs`.
pub(super) type Position = (u64, String);

impl RedisStore {
    /// Returns the first `count` positions of a sorted set for which `keep` is true, with scores
    /// from `oldest` up to `newest`, both in the form of Redis.
    ///
    /// `keep` rejects what an earlier page contains. This is only a few members, which share the
    /// score at which that page ended.
    pub(super) async fn positions(
        &self,
        set: &str,
        (oldest, newest): (&str, &str),
        keep: impl Fn(&Position) -> bool,
        count: usize,
    ) -> Result<Vec<Position>> {
        let mut some = count + 8;
        loop {
            let mut command = redis::cmd("ZREVRANGEBYSCORE");
            command.arg(set).arg(newest).arg(oldest).arg("WITHSCORES");
            command.arg("LIMIT").arg(0).arg(some);
            let rows: Vec<(String, f64)> = self.query(&command).await?;
            let read = rows.len();
            let positions = rows.into_iter().map(|(id, score)| (score as u64, id));
            let mut positions: Vec<Position> = positions.filter(|it| keep(it)).collect();
            if positions.len() >= count || read < some {
                positions.truncate(count);
                return Ok(positions);
            }
            some *= 2;
        }
    }
}
