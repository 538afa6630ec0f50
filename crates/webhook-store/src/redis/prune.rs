//! Deletes what ended long ago, and counts waiting deliveries.

use webhook_model::Millis;

use super::RedisStore;
use super::due::millis;
use super::keys::{self, TenantKeys};
use super::scripts::{DEPTH, PRUNE};
use super::store::{AT_A_TIME, all, tenant_call};
use crate::{Depth, IDEMPOTENCY, Result};

/// The number of deliveries after which a call leaves the rest to the next one.
const PRUNED_A_CALL: u64 = 8 * AT_A_TIME as u64;

/// The number of tenants that one call counts, so that other clients do not wait for long.
const COUNTED_A_CALL: usize = 64;

impl RedisStore {
    pub(super) async fn prune_ended(
        &self,
        succeeded_before: Millis,
        dead_before: Millis,
    ) -> Result<bool> {
        let mut more = self.prune_rejected_before(dead_before).await?;
        // Both moments are past, so an event planned this long before the later one is old enough.
        let planned_before = succeeded_before.max(dead_before).before(IDEMPOTENCY);
        let mut count = 0;
        for (tenant, _) in self.indexed_tenants().await? {
            let mut call = tenant_call(&PRUNE, &tenant);
            call.arg(succeeded_before.0)
                .arg(dead_before.0)
                .arg(planned_before.0)
                .arg(AT_A_TIME);
            let (some, tenant_has_more): (u64, bool) = self.run(&PRUNE, &call).await?;
            count += some;
            more |= tenant_has_more;
            if count >= PRUNED_A_CALL {
                return Ok(true);
            }
        }
        Ok(more)
    }

    pub(super) async fn count_waiting(&self, now: Millis) -> Result<Depth> {
        let tenants = self.indexed_tenants().await?;
        let roots: Vec<_> = tenants
            .iter()
            .map(|(tenant, _)| TenantKeys::of(tenant).root())
            .collect();
        // In a cluster the keys of two tenants may be on different nodes.
        let together = if self.link.address().is_cluster() {
            1
        } else {
            COUNTED_A_CALL
        };
        let calls = roots.chunks(together).map(|some| self.count_of(some));
        let counts = all(calls.collect()).await?;
        let total = counts.into_iter().fold(Depth::default(), add);
        let mut rejected = redis::cmd("ZCARD");
        rejected.arg(keys::rejected());
        Ok(Depth {
            dead: total.dead + self.query::<u64>(&rejected).await?,
            oldest_due: total.oldest_due.filter(|due| *due <= now),
            ..total
        })
    }

    async fn count_of(&self, roots: &[Vec<u8>]) -> Result<Depth> {
        let reply = self.run(&DEPTH, &DEPTH.call_for(roots)).await?;
        let (pending, in_flight, dead, earliest, accepted): (u64, u64, u64, String, u64) = reply;
        Ok(Depth {
            accepted,
            pending,
            in_flight,
            dead,
            oldest_due: millis(&earliest),
        })
    }
}

fn add(one: Depth, other: Depth) -> Depth {
    Depth {
        accepted: one.accepted + other.accepted,
        pending: one.pending + other.pending,
        in_flight: one.in_flight + other.in_flight,
        dead: one.dead + other.dead,
        oldest_due: [one.oldest_due, other.oldest_due]
            .into_iter()
            .flatten()
            .min(),
    }
}
