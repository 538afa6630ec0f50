//! Erases the payload of an event: its data, the rendered bodies of its deliveries, and the requests and
//! responses of their attempts, because a response may contain what it responds to.

use webhook_model::{EventId, Millis, TenantId};

use super::RedisStore;
use super::scripts::{ERASE, REPLACE_REJECTED};
use super::store::{shared_call, stamp, tenant_call};
use crate::erasure::erase_rejected;
use crate::{Erased, Result};

impl RedisStore {
    /// Erases an event, or the rejected event with this id; `None` if the tenant has neither.
    pub(super) async fn erase_by_id(
        &self,
        tenant: &TenantId,
        id: &str,
        now: Millis,
    ) -> Result<Option<Erased>> {
        if let Ok(id) = EventId::parse(id)
            && let Some(erased) = self.erase_event(tenant, &id, now).await?
        {
            return Ok(Some(erased));
        }
        while let Some(value) = self.rejected_value(id).await? {
            let mut rejected = self.read_rejected(&value)?;
            if rejected.tenant.as_ref() != Some(tenant) {
                return Ok(None);
            }
            erase_rejected(&mut rejected);
            let json = serde_json::to_string(&rejected).map_err(|error| self.failed(error))?;
            let mut call = shared_call(&REPLACE_REJECTED);
            call.arg(id).arg(&value).arg(format!("{tenant} {json}"));
            if self.run::<bool>(&REPLACE_REJECTED, &call).await? {
                return Ok(Some(Erased::default()));
            }
        }
        Ok(None)
    }

    async fn erase_event(
        &self,
        tenant: &TenantId,
        id: &EventId,
        now: Millis,
    ) -> Result<Option<Erased>> {
        let mut call = tenant_call(&ERASE, tenant);
        call.arg(id.as_str()).arg(&stamp(now));
        let (buried, lowered): (i64, String) = self.run(&ERASE, &call).await?;
        self.publish_wake(tenant, &lowered).await;
        let deliveries = u64::try_from(buried).ok();
        Ok(deliveries.map(|deliveries| Erased { deliveries }))
    }
}
