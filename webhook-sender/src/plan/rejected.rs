//! Records of rejected events.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use webhook_model::{Event, FieldText, Millis, Rejected, TenantId};

/// Returns a rejected event with the fields of `event`. `id` is the id of the rejection, and
/// `tenant` the tenant that the event names.
pub fn rejected(
    id: String,
    tenant: Option<&TenantId>,
    event: &Event,
    (code, reason): (&str, String),
    now: Millis,
) -> Rejected {
    let field = |name: &'static str, value: Bytes| (FieldText::from(name), value.into());
    let tenant = tenant.map(|tenant| field("tenant", tenant.to_string().into()));
    let key = event.ordering_key.clone();
    let key = key.map(|key| field("ordering_key", key.into()));
    let fields = [
        field("id", event.id.to_string().into()),
        field("type", event.kind.clone().into()),
        field("data", event.data.clone()),
        field("timestamp", event.at.to_string().into()),
    ];
    Rejected {
        id,
        tenant: None,
        source: event.source.clone(),
        at: now,
        code: code.into(),
        reason,
        fields: fields.into_iter().chain(tenant).chain(key).collect(),
    }
}

/// Returns the rejection of an accepted event of a tenant. Its id combines the ids of the tenant
/// and the event, as an event's id is unique only within its tenant, and a digest of the content,
/// as the id may be used again.
pub(super) fn of_accepted(
    tenant: &TenantId,
    event: &Event,
    why: (&str, String),
    now: Millis,
) -> Rejected {
    let content = Sha256::new()
        .chain_update(&event.kind)
        .chain_update([0])
        .chain_update(&event.data)
        .finalize();
    let id = format!("{tenant}.{}.{}", hex::encode(&content[..4]), event.id);
    Rejected {
        tenant: Some(tenant.clone()),
        ..rejected(id, Some(tenant), event, why, now)
    }
}
