//! The names that tenants, endpoints, events and deliveries go by.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The most bytes of an event's id.
const MAX_EVENT_ID_BYTES: usize = 256;

/// The most bytes of a tenant's or an endpoint's id.
const MAX_SLUG_BYTES: usize = 64;

/// Why a text is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Of a tenant or an endpoint.
    #[error(
        "{owner} id `{text}` is not a lower-case letter or digit followed by up to 63 of a-z, 0-9, `_`, `-`"
    )]
    Slug { owner: &'static str, text: String },
    /// Of an event.
    #[error("event id `{0}` is not 1 to 256 visible ASCII characters without a full stop")]
    Event(String),
}

macro_rules! id {
    ($name:ident, $parse:expr, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// # Errors
            ///
            /// An [`IdError`] that holds the start of the text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> Result<(), IdError> = $parse;
                check(text).map(|()| Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

id!(
    TenantId,
    |text| slug("tenant", text),
    "A tenant: `[a-z0-9][a-z0-9_-]{0,63}`."
);
id!(
    EndpointId,
    |text| slug("endpoint", text),
    "An endpoint of a tenant, in the same form."
);
id!(
    DeliveryId,
    |text| slug("delivery", text),
    "A delivery of a tenant: see [`DeliveryId::of`]."
);
id!(
    EventId,
    event,
    "An event of a tenant, and the `webhook-id` of its deliveries: visible ASCII without a full stop, which separates what `standard` signs."
);

impl DeliveryId {
    /// The id of the delivery of `event` to `endpoint`: the same whenever it is planned, so that
    /// planning twice changes nothing. `dlv_` and 32 hex digits of a SHA-256.
    pub fn of(tenant: &TenantId, event: &EventId, endpoint: &EndpointId) -> Self {
        // None of the three can hold a line feed, so different names never hash the same text.
        let text = format!("{tenant}\n{event}\n{endpoint}");
        let digest = Sha256::digest(text);
        Self(format!("dlv_{}", hex::encode(&digest[..16])).into())
    }
}

impl EventId {
    /// A new id: `evt_` and 32 random hex digits.
    pub fn random() -> Self {
        Self(format!("evt_{}", hex::encode(rand::random::<[u8; 16]>())).into())
    }
}

impl EndpointId {
    /// A new id: `ep_` and 24 random hex digits.
    pub fn random() -> Self {
        Self(format!("ep_{}", hex::encode(rand::random::<[u8; 12]>())).into())
    }
}

fn slug(owner: &'static str, text: &str) -> Result<(), IdError> {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let other = |byte: u8| first(byte) || byte == b'_' || byte == b'-';
    let fits = text.len() <= MAX_SLUG_BYTES
        && text.bytes().next().is_some_and(first)
        && text.bytes().all(other);
    match fits {
        true => Ok(()),
        false => Err(IdError::Slug {
            owner,
            text: shown(text),
        }),
    }
}

fn event(text: &str) -> Result<(), IdError> {
    let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    let fits = (1..=MAX_EVENT_ID_BYTES).contains(&text.len()) && text.bytes().all(visible);
    match fits {
        true => Ok(()),
        false => Err(IdError::Event(shown(text))),
    }
}

/// So much of a text as an error may show.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
