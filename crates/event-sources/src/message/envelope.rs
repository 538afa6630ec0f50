//! A JSON object with the fields of an event.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::fields::{Fields, field};
use crate::entry::Fault;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    tenant: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    /// RFC 3339, or seconds as a string or a number.
    #[serde(borrow, default)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ordering_key: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
}

/// Returns the fields of an envelope. The data keeps its bytes.
pub(super) fn fields(body: &Bytes) -> Result<Fields, Fault> {
    let refused = |detail: &str| Fault {
        code: "bad-message",
        reason: format!(
            "without a header `type`, the body must be an event as a JSON object: {detail}"
        ),
    };
    let fault = |error: serde_json::Error| refused(&error.to_string());
    // serde would map the elements of a list to the fields in their order.
    if body.trim_ascii_start().first() == Some(&b'[') {
        return Err(refused("it is a list"));
    }
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(fault)?;
    let timestamp = envelope.timestamp.map(text_of).transpose().map_err(fault)?;
    let texts = [
        ("tenant", envelope.tenant),
        ("type", envelope.kind),
        ("id", envelope.id),
        ("timestamp", timestamp),
        ("ordering_key", envelope.ordering_key),
    ];
    let mut fields: Fields = Vec::new();
    for (name, text) in texts {
        fields.extend(text.map(|text| field(name, &*text)));
    }
    let data = envelope.data.map(|data| slice_of(body, data));
    fields.extend(data.map(|data| (Bytes::from_static(b"data"), data)));
    Ok(fields)
}

/// Returns the part of the body that a value was parsed from, without copying it.
pub(super) fn slice_of(body: &Bytes, value: &RawValue) -> Bytes {
    body.slice_ref(value.get().as_bytes())
}

/// Reads a field of any value: `null` is a value as well.
pub(super) fn present<'de: 'a, 'a, D>(from: D) -> Result<Option<&'a RawValue>, D::Error>
where
    D: Deserializer<'de>,
{
    <&'a RawValue>::deserialize(from).map(Some)
}

/// Returns a string without its quotes, and another value as it is written.
fn text_of(value: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    if value.get().starts_with('"') {
        serde_json::from_str::<String>(value.get()).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(value.get()))
    }
}
