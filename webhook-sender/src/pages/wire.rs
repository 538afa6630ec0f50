//! The JSON of the API, as far as the pages show it. Members that a page does not show are left out.

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde_json::value::RawValue;
use webhook_model::DeliveryState;

use super::moment::Moment;
use super::text::Text;

/// A page of a list.
#[derive(Deserialize)]
pub struct List<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

#[derive(Deserialize)]
pub struct Tenant {
    pub id: Text,
}

#[derive(Deserialize)]
pub struct Delivery {
    pub id: Text,
    pub event: Text,
    #[serde(rename = "type")]
    pub kind: Text,
    pub endpoint: Text,
    pub state: DeliveryState,
    pub created_at: Moment,
    pub next_attempt_at: Option<Moment>,
    pub reason: Option<Text>,
    #[serde(default)]
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// Returns the result of the last attempt in short: a status, or the phase that failed.
    pub fn last_result(&self) -> String {
        self.attempts.last().map_or("–".into(), Attempt::result)
    }

    /// Returns the reason for which nothing was ever sent.
    pub fn unsent_reason(&self) -> Option<&Text> {
        self.reason.as_ref().filter(|_| self.attempts.is_empty())
    }

    /// Returns `true` if the delivery waits for another attempt, which a replay makes due at once.
    pub fn can_be_tried_now(&self) -> bool {
        self.state == DeliveryState::Pending
            && self.next_attempt_at.is_some()
            && !self.attempts.is_empty()
    }

    /// Returns `true` if a replay would make the delivery due again.
    pub fn can_be_replayed(&self) -> bool {
        matches!(self.state, DeliveryState::Dead | DeliveryState::Succeeded)
    }
}

#[derive(Deserialize)]
pub struct Attempt {
    pub at: Moment,
    pub status: Option<u16>,
    pub error: Option<Text>,
    pub phase: Option<Text>,
    pub duration_ms: u64,
    pub request: Option<SentRequest>,
    /// The kept bytes of the response's body as text.
    pub response: Option<Text>,
    #[serde(default)]
    pub response_headers: Vec<Header>,
    /// The length of the whole body, as far as it was received.
    #[serde(default)]
    pub response_bytes: u64,
    /// The kept bytes of the response's body.
    #[serde(default)]
    response_base64: String,
}

impl Attempt {
    pub fn succeeded(&self) -> bool {
        self.error.is_none()
    }

    pub fn result(&self) -> String {
        match (self.status, &self.phase) {
            (Some(status), _) => status.to_string(),
            (None, Some(phase)) => format!("{phase} failed"),
            (None, None) => "no response".to_owned(),
        }
    }

    pub fn has_response(&self) -> bool {
        self.response.is_some() || !self.response_headers.is_empty()
    }

    /// Returns the kept bytes of the response's body.
    fn kept(&self) -> Vec<u8> {
        Base64::decode_vec(&self.response_base64).unwrap_or_default()
    }

    /// Returns the kept part of the response's body. The API's own text has lost its control
    /// characters, which the pages make visible.
    pub fn response_body(&self) -> Option<Text> {
        let kept = self.kept();
        if kept.is_empty() {
            return self.response.clone();
        }
        Some(String::from_utf8_lossy(&kept).into_owned().into())
    }

    /// Returns `true` if only the beginning of the response's body is kept.
    pub fn is_response_cut(&self) -> bool {
        u64::try_from(self.kept().len()).unwrap_or(u64::MAX) < self.response_bytes
    }

    pub fn duration(&self) -> String {
        super::moment::duration(self.duration_ms)
    }
}

/// A request as it went over the wire.
#[derive(Deserialize)]
pub struct SentRequest {
    pub url: Text,
    pub protocol: Option<Text>,
    #[serde(default)]
    pub headers: Vec<Header>,
}

#[derive(Deserialize)]
pub struct Header {
    pub name: Text,
    pub value: Text,
}

/// An event of a list.
#[derive(Deserialize)]
pub struct Event {
    pub id: Text,
    #[serde(rename = "type")]
    pub kind: Option<Text>,
    pub timestamp: Option<Text>,
    pub accepted_at: Moment,
    pub state: Text,
    pub source: Text,
    pub ordering_key: Option<Text>,
    pub reason: Option<Text>,
    #[serde(default)]
    pub erased: bool,
}

impl Event {
    pub fn is_rejected(&self) -> bool {
        self.state.raw() == "rejected"
    }
}

/// One event with its data and its deliveries.
#[derive(Deserialize)]
pub struct EventDetails {
    #[serde(flatten)]
    pub event: Event,
    pub deliveries: List<Delivery>,
}

/// The data of one event, byte for byte.
#[derive(Deserialize)]
pub struct EventData {
    pub data: Option<Box<RawValue>>,
}

/// A rejected event.
#[derive(Deserialize)]
pub struct Rejected {
    pub id: Text,
    /// None for an event that names no existing tenant.
    #[serde(default)]
    pub tenant: Option<Text>,
    pub source: Text,
    pub at: Moment,
    pub code: Text,
    pub reason: Text,
    pub fields: Vec<(Field, Field)>,
}

/// A rejected event as the route of a single event has it.
#[derive(Deserialize)]
pub struct RejectedDetails {
    id: Text,
    source: Text,
    accepted_at: Moment,
    code: Option<Text>,
    #[serde(default)]
    reason: Text,
    #[serde(default)]
    fields: Vec<(Field, Field)>,
}

impl RejectedDetails {
    /// Returns the rejected event; none if the event is not rejected.
    pub fn rejected(self) -> Option<Rejected> {
        Some(Rejected {
            id: self.id,
            // The route is that of a tenant.
            tenant: None,
            source: self.source,
            at: self.accepted_at,
            code: self.code?,
            reason: self.reason,
            fields: self.fields,
        })
    }
}

/// A field's name or value: text, or bytes that are no text.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Field {
    Text(Text),
    Bytes { base64: Text },
}

impl Field {
    pub fn text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes { .. } => None,
        }
    }

    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.to_string(),
            Self::Bytes { base64 } => format!("(base64) {base64}"),
        }
    }
}

impl Rejected {
    /// Returns the text of the first field of that name.
    pub fn field(&self, name: &str) -> Option<&Text> {
        let mut named = self
            .fields
            .iter()
            .filter(|(given, _)| given.text().is_some_and(|it| it.raw() == name));
        named.next().and_then(|(_, value)| value.text())
    }
}

#[derive(Deserialize)]
pub struct Endpoint {
    pub id: Text,
    pub url: Text,
    pub events: Vec<Text>,
    pub filter: Option<Text>,
    pub transform: Option<Text>,
    pub transform_component: Option<Text>,
    #[serde(default)]
    pub schemes: Vec<Text>,
    pub rate_limit: Option<u32>,
    pub max_in_flight: Option<u32>,
    #[serde(default)]
    pub ordered: bool,
    pub enabled: bool,
    pub disabled_reason: Option<Text>,
    pub failing_since: Option<Moment>,
    pub previous_secret_expires_at: Option<Moment>,
    pub origin: Text,
    pub updated_at: Moment,
}

impl Endpoint {
    /// Returns the patterns as one text.
    pub fn patterns(&self) -> String {
        let all: Vec<_> = self.events.iter().map(ToString::to_string).collect();
        all.join(", ")
    }

    /// Returns `true` if only the configuration file may change the endpoint.
    pub fn is_of_file(&self) -> bool {
        self.origin.raw() == "config"
    }
}

/// An error of the API.
#[derive(Deserialize)]
pub struct Problem {
    #[serde(default)]
    pub title: Text,
    #[serde(default)]
    pub code: Text,
    pub detail: Option<Text>,
}
