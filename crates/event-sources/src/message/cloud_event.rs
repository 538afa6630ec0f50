//! A CloudEvent in structured mode: CloudEvents 1.0, and its JSON format.

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::envelope::{present, slice_of};
use super::fields::{Fields, field};
use crate::entry::Fault;

/// The version of the specification.
const VERSION: &str = "1.0";

/// The number of hex digits of a hash in an id.
const HASH_DIGITS: usize = 32;

#[derive(Deserialize)]
struct CloudEvent<'a> {
    #[serde(borrow, default)]
    specversion: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    source: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    time: Option<Cow<'a, str>>,
    /// An extension attribute of ours.
    #[serde(borrow, default)]
    tenant: Option<Cow<'a, str>>,
    /// The attribute of the extension "Partitioning".
    #[serde(borrow, default)]
    partitionkey: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data_base64: Option<Cow<'a, str>>,
}

/// Returns the fields of a CloudEvent. The data keeps its bytes; a CloudEvent without data has `null`.
pub(super) fn fields(body: &Bytes) -> Result<Fields, Fault> {
    // serde would map the elements of a list to the fields in their order.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(fault("it is a list".to_owned()));
    }
    let event: CloudEvent<'_> =
        serde_json::from_slice(body).map_err(|error| fault(error.to_string()))?;
    let version = required(event.specversion, "specversion")?;
    if version != VERSION {
        let shown: String = version.chars().take(20).collect();
        return Err(fault(format!("specversion `{shown}` is not `{VERSION}`")));
    }
    let (id, source) = (required(event.id, "id")?, required(event.source, "source")?);
    let data = match (event.data, event.data_base64) {
        (Some(_), Some(_)) => return Err(fault("both `data` and `data_base64` are given")),
        (Some(data), None) => slice_of(body, data),
        (None, Some(text)) => Base64::decode_vec(&text)
            .map_err(|_| fault("`data_base64` is not base64"))?
            .into(),
        (None, None) => Bytes::from_static(b"null"),
    };
    let mut fields: Fields = vec![field("id", event_id(&source, &id))];
    let texts = [
        ("type", event.kind),
        ("timestamp", event.time),
        ("tenant", event.tenant),
        ("ordering_key", event.partitionkey),
    ];
    for (name, text) in texts {
        fields.extend(text.map(|text| field(name, &*text)));
    }
    fields.push((Bytes::from_static(b"data"), data));
    Ok(fields)
}

/// Returns the fault of a batch of CloudEvents.
pub(super) fn batch() -> Fault {
    fault("a batch; publish each CloudEvent as a message of its own")
}

/// Returns the id of the event. A CloudEvent is identified by its source and its id together, and both
/// may have characters that an event's id may not have.
fn event_id(source: &str, id: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(source.as_bytes());
    hash.update([0]);
    hash.update(id.as_bytes());
    let digits = hex::encode(hash.finalize());
    format!("ce_{}", &digits[..HASH_DIGITS])
}

fn required<'a>(value: Option<Cow<'a, str>>, name: &str) -> Result<Cow<'a, str>, Fault> {
    let present = value.filter(|value| !value.is_empty());
    present.ok_or_else(|| fault(format!("attribute `{name}` is missing or empty")))
}

fn fault(reason: impl std::fmt::Display) -> Fault {
    Fault {
        code: "bad-cloudevent",
        reason: format!("not a CloudEvent: {reason}"),
    }
}
