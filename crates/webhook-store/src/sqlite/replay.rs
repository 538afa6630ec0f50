//! Makes deliveries that ended due again.

use webhook_model::{DeliveryState, Millis, TenantId};

use super::job::{Outcome, Step, Tx};
use super::lookup::{self, Alive};
use super::page::Mark;
use super::queue::{Effect, QueuePosition};
use super::row::state;
use super::search::{From, Search};
use crate::DeliveryFilter;

/// The maximum number of deliveries in a step.
const PART: usize = 250;

const ENDED: &str = "SELECT endpoint, chain, state FROM deliveries WHERE seq = ?1";

const AGAIN: &str =
    "UPDATE deliveries SET state = ?2, at = ?3, made = 0, reason = NULL WHERE seq = ?1";

/// The progress of a replay. It goes from the oldest to the newest, to keep the order of ordered
/// deliveries.
pub(super) struct Replay {
    /// The last key when the replay began. Deliveries that are planned later are not replayed.
    last_key: Option<i64>,
    reached: Mark,
    count: u64,
}

impl Replay {
    pub fn new() -> Self {
        Self {
            last_key: None,
            reached: Mark::BOTTOM,
            count: 0,
        }
    }

    pub fn step(
        &mut self,
        tx: &mut Tx<'_>,
        tenant: &TenantId,
        filter: &DeliveryFilter,
        now: Millis,
    ) -> Outcome<Step<u64>> {
        let part = self.part(tx, tenant, filter)?;
        let mut alive = Alive::new(tx.sql);
        for mark in &part {
            self.count += u64::from(again(tx, mark.key, &mut alive, now)?);
        }
        match part.last() {
            Some(last) if part.len() == PART => {
                self.reached = *last;
                Ok(Step::More)
            }
            _ => Ok(Step::Done(self.count)),
        }
    }

    fn part(
        &mut self,
        tx: &Tx<'_>,
        tenant: &TenantId,
        filter: &DeliveryFilter,
    ) -> Outcome<Vec<Mark>> {
        let last_key = *self.last_key.get_or_insert(tx.last_key());
        let Some(search) = Search::new(tx.sql, tx.shared(), tenant, filter)? else {
            return Ok(Vec::new());
        };
        let from = From::Oldest(self.reached);
        let wanted = |state| filter.state.is_none_or(|wanted| wanted == state);
        let keep = |seq, stored| match stored {
            _ if seq > last_key => false,
            state::SUCCEEDED => wanted(DeliveryState::Succeeded),
            state::DEAD => wanted(DeliveryState::Dead),
            _ => false,
        };
        match &search.only {
            Some(only) => search.pick(tx.sql, only, from, PART, keep),
            None => search.scan(tx.sql, from, PART, keep),
        }
    }
}

/// Replays a delivery if its endpoint exists. It is due now, or waits for its ordering group.
fn again(tx: &mut Tx<'_>, seq: i64, alive: &mut Alive<'_>, now: Millis) -> Outcome<bool> {
    let mut ended = tx.sql.prepare_cached(ENDED)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (endpoint_key, ordering_group, stored): (i64, Option<String>, i64) =
        ended.query_row([seq], read)?;
    if !alive.has(endpoint_key)? {
        return Ok(false);
    }
    let waits = match &ordering_group {
        Some(ordering_group) => lookup::is_busy(tx.sql, endpoint_key, ordering_group)?,
        None => false,
    };
    let (state, at) = (
        if waits { state::WAITING } else { state::DUE },
        now.as_i64(),
    );
    tx.sql.prepare_cached(AGAIN)?.execute((seq, state, at))?;
    tx.then(Effect::Counted {
        pending: 1,
        dead: -i64::from(stored == state::DEAD),
    });
    if !waits {
        tx.then(Effect::Ready {
            endpoint_key,
            position: QueuePosition { at, seq },
        });
    }
    Ok(true)
}
