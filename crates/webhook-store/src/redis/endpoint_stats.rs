//! Writes the counts of outcomes, and reads the statistics of endpoints and tenants.

use redis::Cmd;
use webhook_model::{EndpointId, Millis, TenantId};

use super::RedisStore;
use super::due::millis;
use super::scripts::{ENDPOINT_STATS, TENANT_STATS, WRITE_COUNTS};
use super::store::{all, tenant_call};
use crate::endpoint_stats::{Counter, Counts, series};
use crate::recent_attempts::{MAX_RECENT, STORED};
use crate::unwritten::{CountsInWriting, EndpointCounts, TenantCounts};
use crate::{Counters, EndpointStats, Interval, MAX_COUNTED, RecentAttempt, Result};

/// The maximum number of endpoints in one script call, so that other clients do not wait for long.
const ENDPOINTS_AT_A_TIME: usize = 100;

impl RedisStore {
    /// Writes counts if there are any.
    pub(super) async fn write_some_counts(
        &self,
        counts: Option<CountsInWriting<'_>>,
    ) -> Result<()> {
        let Some(counts) = counts else {
            return Ok(());
        };
        let calls = counts
            .iter()
            .flat_map(|(tenant, of)| count_calls(tenant, of));
        let run = async |call: Cmd| self.run::<()>(&WRITE_COUNTS, &call).await;
        let written = all(calls.map(run).collect()).await;
        counts.end(written.map(|_: Vec<()>| ()))
    }

    pub(super) async fn stats_of(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<EndpointStats>> {
        let counts = self.unwritten.begin_writing_before_read().await;
        self.unwritten.report(self.write_some_counts(counts).await);
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
        let counts = self.unwritten.begin_writing_before_read().await;
        self.unwritten.report(self.write_some_counts(counts).await);
        let mut call = tenant_call(&TENANT_STATS, tenant);
        call.arg(kind(by)).arg(by.number(from));
        let (exists, counts): (bool, Vec<String>) = self.run(&TENANT_STATS, &call).await?;
        Ok(exists.then(|| series(read(&counts), by)))
    }
}

/// Returns the script calls that write the counts of a tenant.
fn count_calls(tenant: &TenantId, endpoints: &TenantCounts) -> Vec<Cmd> {
    let of_endpoints: Vec<_> = endpoints.iter().collect();
    let mut calls = Vec::new();
    for part in of_endpoints.chunks(ENDPOINTS_AT_A_TIME) {
        let mut call = tenant_call(&WRITE_COUNTS, tenant);
        for (endpoint, of) in part {
            call.arg(endpoint.as_str()).arg(of.recent().count());
            for attempt in of.recent().rev() {
                call.arg(&attempt);
            }
            write_counts(&mut call, &of.minutes);
        }
        calls.push(call);
    }
    if let Some(last) = calls.last_mut() {
        last.arg("").arg(0);
        write_counts(last, &EndpointCounts::sums(endpoints).minutes);
    }
    calls
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
