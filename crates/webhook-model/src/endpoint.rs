//! Where a tenant's events go, and how.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use webhook_signature::Scheme;

use super::retry::durations;
use super::{EndpointId, Millis, Pattern, Retry, Secret, TenantId};

/// Who declared an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The API. A reload leaves it alone.
    Api,
    /// The configuration file. It goes when the file no longer has it.
    Config,
}

/// What was agreed with the receiver before the first delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handshake {
    /// `POST {url}?handshake=true` with `{"keyData": ...}` gave the receiver its key.
    Key,
}

/// An endpoint as stores keep it, secrets included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub tenant: TenantId,
    pub id: EndpointId,
    pub url: String,
    pub events: Vec<Pattern>,
    /// CEL over `event`; deliveries are planned where it is true.
    pub filter: Option<String>,
    /// CEL over `event`; its value is the body.
    pub transform: Option<String>,
    /// The name of a file of the components' folder: a WebAssembly component of world `signed-webhooks:transform`.
    pub transform_component: Option<String>,
    /// The newest first. Older ones sign as well until they expire.
    pub secrets: Vec<Secret>,
    #[serde(with = "schemes")]
    pub schemes: Vec<Scheme>,
    pub headers: BTreeMap<String, String>,
    /// Attempts a second.
    pub rate_limit: Option<u32>,
    /// Attempts at a time.
    pub max_in_flight: Option<u32>,
    /// Whether events arrive in the order they were published, per ordering key where given.
    pub ordered: bool,
    pub retry: Option<Retry>,
    #[serde(with = "durations::optional")]
    pub timeout: Option<Duration>,
    pub enabled: bool,
    /// Why it was disabled, where the sender did that.
    pub disabled_reason: Option<String>,
    pub handshake: Option<Handshake>,
    pub origin: Origin,
    pub created_at: Millis,
    pub updated_at: Millis,
    /// Since when every attempt has failed.
    pub failing_since: Option<Millis>,
    /// Goes up with every change, so that what was compiled for one version is not used for another.
    pub version: u64,
}

impl Endpoint {
    /// Whether events of type `kind` go there at present.
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled && self.events.iter().any(|pattern| pattern.matches(kind))
    }
}

/// Schemes by their names.
mod schemes {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use webhook_signature::Scheme;

    pub fn serialize<S: Serializer>(all: &[Scheme], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(all.iter().map(|scheme| scheme.name()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Scheme>, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        names
            .iter()
            .map(|name| {
                let known = Scheme::ALL.into_iter().find(|scheme| scheme.name() == name);
                known.ok_or_else(|| D::Error::custom(format!("unknown scheme `{name}`")))
            })
            .collect()
    }
}
