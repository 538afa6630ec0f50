//! Merges sorted sets of deliveries by creation.

use webhook_model::DeliveryId;

use super::RedisStore;
use super::positions::Position;
use super::store::all;
use crate::{Cursor, Result, StoreError};

/// A position in a list: by score, then by id, both descending.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListPosition {
    pub score: u64,
    pub id: DeliveryId,
}

/// Sorted sets that one list merges, and the scores that it contains.
pub(super) struct Sets {
    pub keys: Vec<String>,
    /// The lowest score.
    pub from: u64,
    /// The score above the highest one.
    pub to: u64,
}

impl RedisStore {
    /// Returns the first `count` positions of all sets after `behind`.
    ///
    /// Of each set, a few more than its share are read at first. Those are read again, further, that may
    /// have more of the first positions.
    pub(super) async fn merged(
        &self,
        sets: &Sets,
        behind: Option<&ListPosition>,
        count: usize,
    ) -> Result<Vec<ListPosition>> {
        let share = count.div_ceil(sets.keys.len().max(1));
        let mut wanted = (2 * share).min(count);
        let mut found: Vec<Vec<ListPosition>> = vec![Vec::new(); sets.keys.len()];
        let mut open: Vec<usize> = (0..sets.keys.len()).collect();
        loop {
            let call = |at: &usize| self.of_set(sets, *at, behind, wanted);
            let read = all(open.iter().map(call).collect()).await?;
            for (at, positions) in open.iter().zip(read) {
                found[*at] = positions;
            }
            let mut merged = found.concat();
            merged.sort_unstable_by(|one, other| other.cmp(one));
            merged.truncate(count);
            let end = merged.get(count - 1);
            open.retain(|at| found[*at].len() == wanted && found[*at].last() > end);
            if open.is_empty() || wanted == count {
                return Ok(merged);
            }
            wanted = (2 * wanted).min(count);
        }
    }

    async fn of_set(
        &self,
        sets: &Sets,
        at: usize,
        behind: Option<&ListPosition>,
        count: usize,
    ) -> Result<Vec<ListPosition>> {
        let newest = match behind {
            Some(behind) if behind.score < sets.to => behind.score.to_string(),
            _ if sets.to == u64::MAX => "+inf".into(),
            _ => format!("({}", sets.to),
        };
        let is_next = |position: &Position| {
            ListPosition::of(position)
                .is_some_and(|position| behind.is_none_or(|behind| position < *behind))
        };
        let range = (&*sets.from.to_string(), &*newest);
        let positions = self
            .positions(&sets.keys[at], range, is_next, count)
            .await?;
        Ok(positions.iter().filter_map(ListPosition::of).collect())
    }
}

impl ListPosition {
    fn of((score, id): &Position) -> Option<Self> {
        Some(Self {
            score: *score,
            id: DeliveryId::parse(id).ok()?,
        })
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor(format!("{}.{}", self.score, self.id))
    }

    pub(super) fn read(cursor: &Cursor) -> Result<Self> {
        let parts = || {
            let (score, id) = cursor.0.split_once('.')?;
            Some(Self {
                score: score.parse().ok()?,
                id: DeliveryId::parse(id).ok()?,
            })
        };
        parts().ok_or_else(|| StoreError::Cursor(cursor.0.chars().take(80).collect()))
    }
}
