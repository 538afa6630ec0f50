//! Reads the statistics of endpoints and tenants.

use webhook_model::{EndpointId, Millis, TenantId};

use super::RedisStore;
use super::due::millis;
use super::scripts::{ENDPOINT_STATS, TENANT_STATS};
use super::store::tenant_call;
use crate::endpoint_stats::{Counts, series};
use crate::{Counters, EndpointStats, Interval, MAX_COUNTED, RecentAttempt, Result};

impl RedisStore {
    pub(super) async fn stats_of(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<EndpointStats>> {
        let mut call = tenant_call(&ENDPOINT_STATS, tenant);
        call.arg(endpoint.as_str()).arg(kind(by));
        call.arg(by.number(from)).arg(MAX_COUNTED);
        let reply: (String, u64, String, Vec<u8>, Vec<String>) =
            self.run(&ENDPOINT_STATS, &call).await?;
        let (found, pending, due, recent, counts) = reply;
        Ok((found == "known").then(|| EndpointStats {
            pending,
            oldest_due: millis(&due),
            series: series(read(&counts), by),
            recent: RecentAttempt::read_all(&recent),
        }))
    }

    pub(super) async fn sums_of(
        &self,
        tenant: &TenantId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<Vec<Counters>>> {
        let mut call = tenant_call(&TENANT_STATS, tenant);
        call.arg(kind(by)).arg(by.number(from));
        let (exists, counts): (bool, Vec<String>) = self.run(&TENANT_STATS, &call).await?;
        Ok(exists.then(|| series(read(&counts), by)))
    }
}

/// Returns the kind of the keys with the counters.
fn kind(by: Interval) -> &'static str {
    match by {
        Interval::Minute => "om",
        Interval::Hour => "oh",
    }
}

/// Reads counters, each an interval, a number and a count.
fn read(counts: &[String]) -> Counts {
    let (counts, _) = counts.as_chunks::<3>();
    let read = |[at, counter, count]: &[String; 3]| {
        let key: (i64, u8) = (at.parse().ok()?, counter.parse().ok()?);
        Some((key, count.parse().ok()?))
    };
    counts.iter().filter_map(read).collect()
}
