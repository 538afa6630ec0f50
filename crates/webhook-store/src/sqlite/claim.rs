//! Taking due deliveries into flight. Nothing is written: see the [module](super).

use std::sync::Arc;

use bytes::Bytes;
use rusqlite::{Connection, Row};
use webhook_model::{EventId, Millis, Owner};

use super::handover::{Giver, Handover};
use super::job::Outcome;
use super::lookup;
use super::queue::{Flight, Place, Shared};
use super::row::{millis, read_delivery_id};
use crate::{Ask, Claim, Fence, StoreError};

const NEXT: &str = "SELECT d.at, d.seq, d.id, d.made, d.chain, e.id, coalesce(d.body, e.data)
    FROM deliveries d INDEXED BY deliveries_due CROSS JOIN events e ON e.key = d.event
    WHERE d.endpoint = ?1 AND d.state = 0 AND (d.at, d.seq) >= (?2, ?3) ORDER BY d.at, d.seq";

/// Runs on the writer's connection, between two transactions: what it sees is committed, and
/// nobody else claims meanwhile. The claims go to the caller, or to `giver` if there is none any
/// more.
pub(super) fn claim(
    sql: &Connection,
    giver: &Giver,
    owner: &Owner,
    asks: &[Ask],
    now: Millis,
) -> Outcome<Handover<Vec<Claim>>> {
    let shared = &giver.shared;
    let lease = shared.lock().leases.of(owner);
    let lease = lease.ok_or_else(|| StoreError::LeaseLost(owner.name.clone()))?;
    let claimer = Claimer {
        sql,
        shared,
        lease,
        owner: owner.incarnation.as_str().into(),
        fence: Fence::new(now),
        now: now.as_i64(),
    };
    let mut claims = Vec::new();
    let asked = asks
        .iter()
        .try_for_each(|ask| claimer.ask(ask, &mut claims));
    claims.sort_by_key(|claim| claim.due);
    let key = |claim: &Claim| (claim.tenant.clone(), claim.id.clone());
    let keys = claims.iter().map(key).collect();
    let claims = giver.hand_over(claims, keys, lease);
    // What was claimed before a failure is given back with it.
    asked.map(|()| claims)
}

struct Claimer<'a> {
    sql: &'a Connection,
    shared: &'a Shared,
    lease: u64,
    owner: Arc<str>,
    fence: Fence,
    now: i64,
}

impl Claimer<'_> {
    fn ask(&self, ask: &Ask, claims: &mut Vec<Claim>) -> Outcome<()> {
        let Some((lane, first)) = self.lane(ask) else {
            return Ok(());
        };
        let mut next = self.sql.prepare_cached(NEXT)?;
        let mut rows = next.query((lane, first.at, first.seq))?;
        let mut room = ask.room;
        let mut begins_at = None;
        while let Some(row) = rows.next()? {
            let place = Place {
                at: row.get(0)?,
                seq: row.get(1)?,
            };
            if self.shared.lock().flights.has(place.seq) {
                continue;
            }
            if room == 0 || place.at > self.now {
                begins_at = Some(place);
                break;
            }
            room -= 1;
            claims.push(self.take(ask, lane, place, row)?);
        }
        self.shared.lock().lanes.begins_at(lane, begins_at);
        Ok(())
    }

    /// The lane that is asked for and where it begins, if something is due in it.
    fn lane(&self, ask: &Ask) -> Option<(i64, Place)> {
        let queue = self.shared.lock();
        let lane = queue.lanes.key(&ask.tenant, &ask.endpoint)?;
        let first = queue
            .lanes
            .first(lane)
            .filter(|first| first.at <= self.now)?;
        (ask.room > 0).then_some((lane, first))
    }

    fn take(&self, ask: &Ask, lane: i64, place: Place, row: &Row<'_>) -> Outcome<Claim> {
        let claim = Claim {
            tenant: ask.tenant.clone(),
            id: read_delivery_id(row.get_ref(2)?)?,
            endpoint: ask.endpoint.clone(),
            event: EventId::parse(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
            body: Bytes::copy_from_slice(row.get_ref(6)?.as_blob().map_err(rusqlite::Error::from)?),
            made: row.get(3)?,
            due: millis(place.at),
            fence: self.fence,
        };
        let chain: Option<Arc<str>> = row.get(4)?;
        let flight = Flight {
            seq: place.seq,
            lane,
            lease: self.lease,
            owner: self.owner.clone(),
            fence: self.fence,
            at: place.at,
            chain,
        };
        self.shared
            .lock()
            .flights
            .insert((claim.tenant.clone(), claim.id.clone()), flight);
        Ok(claim)
    }
}

/// Looks up when something is due after `now` in lanes where something is due already.
pub(super) fn look_ahead(
    sql: &Connection,
    shared: &Shared,
    lanes: &[i64],
    now: Millis,
) -> Outcome<()> {
    let now = now.as_i64();
    for lane in lanes {
        let in_flight = |seq| shared.lock().flights.has(seq);
        let later = lookup::first(sql, *lane, now.saturating_add(1), in_flight)?;
        shared
            .lock()
            .lanes
            .later_than(*lane, now, later.map(|place| place.at));
    }
    Ok(())
}
