//! Rejected events, which could not be planned.

use base64ct::{Base64, Encoding};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Millis, Source, TenantId};

/// An event that could not be planned. It is kept in full, so that it can be planned later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The id derived from the entry at the source, or from the accepted event. Rejecting an id again changes nothing.
    pub id: String,
    /// The tenant, where the event names one that exists.
    pub tenant: Option<TenantId>,
    pub source: Source,
    pub at: Millis,
    /// A code to branch on: `no-tenant`, `unknown-tenant`, `bad-data`, `too-large`, ...
    pub code: String,
    /// The reason as text for people.
    pub reason: String,
    /// Field names and values, byte for byte as they came.
    pub fields: Vec<(FieldText, FieldText)>,
}

impl Rejected {
    /// Returns the value of the first field of that name.
    pub fn field(&self, name: &str) -> Option<&FieldText> {
        let named = |(given, _): &&(FieldText, FieldText)| given.bytes() == name.as_bytes();
        self.fields.iter().find(named).map(|(_, value)| value)
    }
}

/// Bytes of an external source, usually text. Serialized as a string, or as `{"base64": "…"}` if
/// they are not UTF-8. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldText(Bytes);

impl FieldText {
    /// Returns the bytes as they came.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// Returns the text, or `None` if it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl<T: Into<Bytes>> From<T> for FieldText {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl Serialize for FieldText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.text() {
            Some(text) => serializer.serialize_str(text),
            None => Encoded {
                base64: Base64::encode_string(&self.0),
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for FieldText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Stored::deserialize(deserializer)? {
            Stored::Text(text) => Ok(text.into()),
            Stored::Bytes(Encoded { base64 }) => {
                let bytes = Base64::decode_vec(&base64).map_err(de::Error::custom)?;
                Ok(bytes.into())
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Encoded {
    base64: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stored {
    Text(String),
    Bytes(Encoded),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_come_back_as_they_were() {
        let cases: [(&[u8], &str); 3] = [
            (b"text", r#""text""#),
            (b"", r#""""#),
            (b"\xff\x00", r#"{"base64":"/wA="}"#),
        ];
        for (bytes, json) in cases {
            let field = FieldText::from(bytes.to_vec());
            assert_eq!(serde_json::to_string(&field).unwrap(), json);
            assert_eq!(serde_json::from_str::<FieldText>(json).unwrap(), field);
        }
        assert!(serde_json::from_str::<FieldText>(r#"{"base64":"?"}"#).is_err());
    }
}
