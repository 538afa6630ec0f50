//! Endpoints, to which a tenant's events are delivered.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use webhook_signature::Scheme;

use super::retry::durations;
use super::{EndpointId, Millis, Pattern, Retry, Secret, TenantId};

/// The origin of an endpoint's declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The API. A reload does not change it.
    Api,
    /// The configuration file. A reload deletes it when the file no longer declares it.
    Config,
}

/// The handshake with the receiver before the first delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handshake {
    /// `POST {url}?handshake=true` with `{"keyData": ...}` sent the key to the receiver.
    Key,
}

/// An endpoint as stores keep it, including its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    pub tenant: TenantId,
    pub id: EndpointId,
    pub url: String,
    pub events: Vec<Pattern>,
    /// A CEL expression over `event`; a delivery is planned if it is true.
    pub filter: Option<String>,
    /// A CEL expression over `event`; its value is the request body.
    pub transform: Option<String>,
    /// The name of a file in the components' folder: a WebAssembly component of the world
    /// `signed-webhooks:transform`.
    pub transform_component: Option<String>,
    /// The newest secret first. Older ones sign too until they expire.
    pub secrets: Vec<Secret>,
    #[serde(with = "schemes")]
    pub schemes: Vec<Scheme>,
    pub headers: BTreeMap<String, String>,
    /// The maximum number of attempts per second.
    pub rate_limit: Option<u32>,
    /// The maximum number of concurrent attempts.
    pub max_in_flight: Option<u32>,
    /// True if events are delivered in the order of publication, per ordering key if they have one.
    pub ordered: bool,
    pub retry: Option<Retry>,
    #[serde(with = "durations::optional")]
    pub timeout: Option<Duration>,
    pub enabled: bool,
    /// The reason, if the sender disabled it.
    pub disabled_reason: Option<String>,
    pub handshake: Option<Handshake>,
    pub origin: Origin,
    pub created_at: Millis,
    pub updated_at: Millis,
    /// The time since which every attempt has failed.
    pub failing_since: Option<Millis>,
    /// Increases with every change, so that a program compiled for one version is not used for
    /// another.
    pub version: u64,
}

impl Endpoint {
    /// Returns whether the endpoint is enabled and matches events of type `kind`.
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled && self.events.iter().any(|pattern| pattern.matches(kind))
    }
}

/// Serializes schemes by name.
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
