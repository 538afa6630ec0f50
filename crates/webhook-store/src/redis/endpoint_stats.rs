//! Writes the counts of outcomes, and reads the statistics of endpoints and tenants.

use redis::Cmd;
use webhook_model::{EndpointId, Millis, TenantId};

use super::RedisStore;
use super::due::millis;
use super::scripts::{ENDPOINT_STATS, TENANT_STATS, WRITE_COUNTS};
use super::store::{each, tenant_call};
use crate::endpoint_stats::{Counter, Counts, series};
use crate::recent_attempts::{MAX_RECENT, STORED};
use crate::unwritten::{AllCounts, CountsPart, EndpointCounts, PartSize, TenantCounts};
use crate::{Counters, EndpointStats, Interval, MAX_COUNTED, RecentAttempt, Result};

/// The counts in one script call, which other clients wait for.
const PART: PartSize = PartSize {
    tenants: 1,
    endpoints: 100,
};

impl RedisStore {
    /// Writes all counts that it can, with a script call for each part. Returns the first error.
    pub(super) async fn write_all_counts(&self) -> Result<()> {
        let (_writing, parts) = self.unwritten.begin_writing(PART).await;
        let write = async |part: CountsPart<'_>| {
            let written = self.write_part(part.counts()).await;
            part.end(written)
        };
        let written = each(parts.into_iter().map(write).collect()).await;
        written.into_iter().collect()
    }

    /// Writes a part, which is of one tenant.
    async fn write_part(&self, counts: &AllCounts) -> Result<()> {
        for (tenant, endpoints) in counts {
            let call = count_call(tenant, endpoints);
            self.run::<()>(&WRITE_COUNTS, &call).await?;
        }
        Ok(())
    }

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

/// Returns the script call that writes counts of a tenant.
fn count_call(tenant: &TenantId, endpoints: &TenantCounts) -> Cmd {
    let mut call = tenant_call(&WRITE_COUNTS, tenant);
    for (endpoint, of) in endpoints {
        call.arg(endpoint.as_str()).arg(of.recent().count());
        for attempt in of.recent().rev() {
            call.arg(&attempt);
        }
        write_counts(&mut call, &of.minutes);
    }
    call.arg("").arg(0);
    write_counts(&mut call, &EndpointCounts::sums(endpoints).minutes);
    call
}

fn write_counts(call: &mut Cmd, counts: &Counts) {
    call.arg(counts.len());
    for ((minute, counter), count) in counts {
        call.arg(minute).arg(counter).arg(count);
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

/// `scripts/counts.lua` and `scripts/write_counts.lua` contain these numbers.
const _: () = assert!(Counter::DEAD.0 == 64 && MAX_RECENT == 50 && STORED == 16);
