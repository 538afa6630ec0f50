//! Finds endpoints with due deliveries.
//!
//! The shared set of hints says which tenants to query. A tenant's hint is never later than the due
//! time of its next delivery, except while the process that made this delivery due is about to lower
//! the hint. This module raises hints that are too early. As the tenant may change in between, it is
//! queried again afterwards: an earlier change is seen, and a later one lowers the hint itself.

use std::sync::atomic::Ordering;

use webhook_model::{EndpointId, Millis, TenantId};

use super::RedisStore;
use super::keys;
use super::scripts::{DUE, MOVE_HINT};
use super::store::{all, shared_call, tenant_call};
use crate::{DueEndpoint, Result};

/// The due endpoints of a tenant.
struct Due {
    tenant: TenantId,
    /// Its hint, as Redis wrote it.
    hint: String,
    /// The due time of its first delivery.
    earliest: Option<Millis>,
    /// The first due time after now.
    next: Option<Millis>,
    rows: Vec<DueEndpoint>,
}

impl RedisStore {
    pub(super) async fn due_endpoints(
        &self,
        now: Millis,
    ) -> Result<(Vec<DueEndpoint>, Option<Millis>)> {
        if self.hints_missing.swap(false, Ordering::SeqCst) {
            self.hint_all()
                .await
                .inspect_err(|_| self.hints_missing.store(true, Ordering::SeqCst))?;
        }
        let (tenants, mut next) = self.hinted(now).await?;
        let call = |(tenant, hint)| self.due_of(tenant, hint, now);
        let due = all(tenants.into_iter().map(call).collect()).await?;
        let mut rows = Vec::new();
        for due in due {
            next = [next, due.next].into_iter().flatten().min();
            if due.rows.is_empty() {
                self.move_hint(&due).await?;
            }
            rows.extend(due.rows);
        }
        Ok((rows, next))
    }

    /// Returns the tenants that may have due deliveries, each with its hint, and the next hint after
    /// `now`.
    async fn hinted(&self, now: Millis) -> Result<(Vec<(TenantId, String)>, Option<Millis>)> {
        let key = keys::hints();
        let mut due = redis::cmd("ZRANGEBYSCORE");
        due.arg(&key).arg("-inf").arg(now.0).arg("WITHSCORES");
        let mut later = redis::cmd("ZRANGEBYSCORE");
        later
            .arg(&key)
            .arg(format!("({}", now.0))
            .arg("+inf")
            .arg("WITHSCORES");
        later.arg("LIMIT").arg(0).arg(1);
        let (due, later) = futures::try_join!(
            self.query::<Vec<(String, String)>>(&due),
            self.query::<Vec<(String, String)>>(&later),
        )?;
        let tenant = |(id, hint): (String, String)| Some((TenantId::parse(&id).ok()?, hint));
        let next = later.first().and_then(|(_, hint)| millis(hint));
        Ok((due.into_iter().filter_map(tenant).collect(), next))
    }

    async fn due_of(&self, tenant: TenantId, hint: String, now: Millis) -> Result<Due> {
        let mut call = tenant_call(&DUE, &tenant);
        call.arg(now.0);
        let reply: Vec<String> = self.run(&DUE, &call).await?;
        let (moments, rows) = reply.split_at_checked(2).unwrap_or_default();
        let moment = |at: usize| moments.get(at).and_then(|text| millis(text));
        let row = |row: &[String]| {
            let [endpoint, at] = row else { return None };
            Some(DueEndpoint {
                tenant: tenant.clone(),
                endpoint: EndpointId::parse(endpoint).ok()?,
                at: millis(at)?,
            })
        };
        let rows = rows.chunks(2).filter_map(row).collect();
        Ok(Due {
            earliest: moment(0),
            next: moment(1),
            rows,
            tenant,
            hint,
        })
    }

    /// Raises the hint of a tenant without due deliveries to the due time of its first delivery.
    async fn move_hint(&self, due: &Due) -> Result<()> {
        let to = due.earliest.map(|at| at.0.to_string()).unwrap_or_default();
        let mut call = shared_call(&MOVE_HINT);
        call.arg(due.tenant.as_str()).arg(&due.hint).arg(to);
        if self.run::<bool>(&MOVE_HINT, &call).await? {
            self.hint_from_summary(due.tenant.clone()).await?;
        }
        Ok(())
    }

    /// Lowers every tenant's hint to the due time of its first delivery.
    async fn hint_all(&self) -> Result<()> {
        let tenants = self.indexed_tenants().await?;
        let call = |(tenant, _): &'_ (TenantId, u64)| self.hint_from_summary(tenant.clone());
        all(tenants.iter().map(call).collect()).await.map(drop)
    }

    async fn hint_from_summary(&self, tenant: TenantId) -> Result<()> {
        let (_, _, earliest, ..) = self.tenant_summary(&tenant).await?;
        self.hint(&tenant, &earliest).await
    }

    /// Lowers a tenant's hint to the due time of its first delivery, if it has any.
    pub(super) async fn hint(&self, tenant: &TenantId, earliest: &str) -> Result<()> {
        if earliest.is_empty() {
            return Ok(());
        }
        let mut command = redis::cmd("ZADD");
        command
            .arg(keys::hints())
            .arg("LT")
            .arg(earliest)
            .arg(tenant.as_str());
        self.query::<i64>(&command).await.map(drop)
    }
}

/// Parses a score as Redis writes it: a whole number, or with an exponent if it is very large.
pub(super) fn millis(score: &str) -> Option<Millis> {
    let whole = score.parse().map(Millis).ok();
    whole.or_else(|| score.parse::<f64>().ok().map(|_| Millis::NEVER))
}
