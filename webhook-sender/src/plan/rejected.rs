//! Events that are kept as rejected.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use webhook_model::{Event, FieldText, Millis, Rejected, Source, TenantId};

/// Returns a rejected event with the fields of `event`. `id` is the one that it is rejected under,
/// and `tenant` what the event names.
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
        source: Source::Stream,
        at: now,
        code: code.into(),
        reason,
        fields: fields.into_iter().chain(tenant).chain(key).collect(),
    }
}

/// Returns an accepted event of a tenant as rejected. Its id is made of the tenant's and the event's, as
/// an event's is unique within its tenant only, and of its content: the event's id may be used again.
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
