//! The ids of tenants, endpoints, events and deliveries.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Millis;

/// The maximum number of bytes of an event's id.
const MAX_EVENT_ID_BYTES: usize = 256;

/// The maximum number of bytes of a tenant's or an endpoint's id.
const MAX_SLUG_BYTES: usize = 64;

/// The reason for which a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not an id of a tenant, an endpoint or a delivery.
    #[error(
        "{owner} id `{text}` is not a lower-case letter or digit followed by up to 63 of a-z, 0-9, `_`, `-`"
    )]
    Slug { owner: &'static str, text: String },
    /// Not an id of an event.
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
            /// Parses an id.
            ///
            /// # Errors
            ///
            /// An [`IdError`] with the start of the text.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let check: fn(&str) -> Result<(), IdError> = $parse;
                check(text).map(|()| Self(text.into()))
            }

            /// Returns the id as text.
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
    "The id of a tenant: `[a-z0-9][a-z0-9_-]{0,63}`."
);
id!(
    EndpointId,
    |text| slug("endpoint", text),
    "The id of an endpoint, unique in its tenant: `[a-z0-9][a-z0-9_-]{0,63}`."
);
id!(
    DeliveryId,
    |text| slug("delivery", text),
    "The id of a delivery: see [`DeliveryId::of`]."
);
id!(
    EventId,
    event,
    "The id of an event, and the `webhook-id` of its deliveries: visible ASCII without a full stop, which separates the parts that the scheme `standard` signs."
);

id!(KeyId, |text| slug("key", text), "The id of an access key.");
id!(
    SessionId,
    |text| slug("session", text),
    "The id of a session, which is not its token."
);
id!(
    AuditId,
    |text| slug("audit entry", text),
    "The id of an audit entry: see [`AuditId::at`]."
);

impl KeyId {
    /// Returns a new id: `key_` and 16 random hex digits.
    pub fn random() -> Self {
        Self(format!("key_{}", hex::encode(rand::random::<[u8; 8]>())).into())
    }

    /// Returns the id of a key of the configuration file: `cfg_` and 16 hex digits of the SHA-256 of its
    /// hash. It is the same in all processes that have the key.
    pub fn of_configured(hash: &[u8; 32]) -> Self {
        let digest = Sha256::digest(hash);
        Self(format!("cfg_{}", hex::encode(&digest[..8])).into())
    }

    /// Returns the id of an author that is no key, such as `local`.
    pub fn named(name: &'static str) -> Self {
        Self(name.into())
    }
}

impl SessionId {
    /// Returns a new id for a session of that moment. Ids sort by time: `ses_`, the milliseconds in 12
    /// hex digits, a count of 4 within the process, and 8 random ones.
    pub fn at(at: Millis) -> Self {
        Self(format!("ses_{}", unique(at)).into())
    }
}

impl AuditId {
    /// Returns a new id for an entry of that moment. Ids sort by time: `aud_`, the milliseconds in 12
    /// hex digits, a count of 4 within the process, and 8 random ones.
    pub fn at(at: Millis) -> Self {
        Self(format!("aud_{}", unique(at)).into())
    }

    /// Returns the common start of the ids of that moment, which sorts before each of them.
    pub fn prefix(at: Millis) -> String {
        format!("aud_{}", sortable(at))
    }
}

impl DeliveryId {
    /// Returns the id of the delivery of `event` to `endpoint`: `dlv_` and 32 hex digits of a
    /// SHA-256. It is deterministic, so that planning an event twice changes nothing.
    pub fn of(tenant: &TenantId, event: &EventId, endpoint: &EndpointId) -> Self {
        // No id can contain a line feed, so different ids never hash the same text.
        let text = format!("{tenant}\n{event}\n{endpoint}");
        let digest = Sha256::digest(text);
        Self(format!("dlv_{}", hex::encode(&digest[..16])).into())
    }
}

impl EventId {
    /// Returns a new id: `evt_` and 32 random hex digits.
    pub fn random() -> Self {
        Self(format!("evt_{}", hex::encode(rand::random::<[u8; 16]>())).into())
    }
}

impl EndpointId {
    /// Returns a new id: `ep_` and 24 random hex digits.
    pub fn random() -> Self {
        Self(format!("ep_{}", hex::encode(rand::random::<[u8; 12]>())).into())
    }
}

/// Returns a text that sorts like a time, and within a millisecond in the order of the calls.
fn unique(at: Millis) -> String {
    static CALLS: AtomicU16 = AtomicU16::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let random = hex::encode(rand::random::<[u8; 4]>());
    format!("{}{call:04x}{random}", sortable(at))
}

/// Returns a time as a text that sorts like it.
fn sortable(at: Millis) -> String {
    format!("{:012x}", at.0.min((1 << 48) - 1))
}

fn slug(owner: &'static str, text: &str) -> Result<(), IdError> {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let other = |byte: u8| first(byte) || byte == b'_' || byte == b'-';
    let fits = text.len() <= MAX_SLUG_BYTES
        && text.bytes().next().is_some_and(first)
        && text.bytes().all(other);
    if fits {
        Ok(())
    } else {
        let text = excerpt(text);
        Err(IdError::Slug { owner, text })
    }
}

fn event(text: &str) -> Result<(), IdError> {
    let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'.';
    let fits = (1..=MAX_EVENT_ID_BYTES).contains(&text.len()) && text.bytes().all(visible);
    if fits {
        Ok(())
    } else {
        Err(IdError::Event(excerpt(text)))
    }
}

/// Returns the start of a text, for an error.
fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}
