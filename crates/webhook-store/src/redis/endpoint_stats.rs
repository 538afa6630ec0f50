//! Reads the statistics of an endpoint.

use std::collections::BTreeMap;

use webhook_model::{EndpointId, Millis, TenantId};

use super::RedisStore;
use super::due::millis;
use super::scripts::ENDPOINT_STATS;
use super::store::tenant_call;
use crate::endpoint_stats::Counter;
use crate::{EndpointStats, Interval, MAX_COUNTED, Result};

impl RedisStore {
    pub(super) async fn stats_of(
        &self,
        tenant: &TenantId,
        endpoint: &EndpointId,
        by: Interval,
        from: Millis,
    ) -> Result<Option<EndpointStats>> {
        let kind = match by {
            Interval::Minute => "om",
            Interval::Hour => "oh",
        };
        let mut call = tenant_call(&ENDPOINT_STATS, tenant);
        call.arg(endpoint.as_str()).arg(kind);
        call.arg(by.number(from)).arg(MAX_COUNTED);
        let answer: Vec<String> = self.run(&ENDPOINT_STATS, &call).await?;
        let [_, pending, due, counts @ ..] = &answer[..] else {
            return Ok(None);
        };
        let mut stats = EndpointStats {
            pending: pending.parse().unwrap_or_default(),
            oldest_due: millis(due),
            series: Vec::new(),
        };
        let read = |row: &[String]| {
            let [at, counter, count] = row else {
                return None;
            };
            let key: (i64, u8) = (at.parse().ok()?, counter.parse().ok()?);
            Some((key, count.parse().ok()?))
        };
        let counts: BTreeMap<(i64, u8), u64> = counts.chunks(3).filter_map(read).collect();
        for ((at, counter), count) in counts {
            stats.add(by.of_number(at), Counter(counter), count);
        }
        Ok(Some(stats))
    }
}
