//! The JSON form of deliveries and attempts.

use base64ct::{Base64, Encoding};
use serde::Serialize;
use webhook_model::{
    Attempt, Delivery, DeliveryId, DeliveryState, EndpointId, EventId, Protocol, ReceivedResponse,
    SentRequest, WireHeader,
};

/// The JSON form of a delivery, with times in RFC 3339.
#[derive(Serialize)]
pub struct View {
    id: DeliveryId,
    event: EventId,
    #[serde(rename = "type")]
    kind: String,
    endpoint: EndpointId,
    state: DeliveryState,
    created_at: String,
    next_attempt_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    attempts: Vec<AttemptView>,
}

/// The JSON form of an attempt. Lists show it without its request and response.
#[derive(Serialize)]
pub struct AttemptView {
    at: String,
    status: Option<u16>,
    error: Option<String>,
    phase: Option<&'static str>,
    duration_ms: u32,
    /// The kept bytes of the response's body as printable text.
    response: Option<String>,
    #[serde(flatten)]
    received: Option<ReceivedView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<RequestView>,
}

#[derive(Serialize)]
struct RequestView {
    method: &'static str,
    url: String,
    protocol: Option<&'static str>,
    headers: Vec<HeaderView>,
}

#[derive(Serialize)]
struct ReceivedView {
    response_headers: Vec<HeaderView>,
    /// True if there were more headers.
    response_headers_cut: bool,
    /// The kept bytes of the body.
    response_base64: String,
    /// The number of bytes of the body that were received.
    response_bytes: u64,
}

#[derive(Serialize)]
struct HeaderView {
    name: String,
    value: String,
}

impl From<Delivery> for View {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            event: delivery.event,
            kind: delivery.kind,
            endpoint: delivery.endpoint,
            state: delivery.state,
            created_at: delivery.created_at.to_string(),
            next_attempt_at: delivery.next_attempt_at.map(|at| at.to_string()),
            reason: delivery.reason,
            attempts: delivery.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let response = attempt.exchange.response();
        let text = response.as_ref().map(ReceivedResponse::text);
        Self {
            at: attempt.at.to_string(),
            status: attempt.status,
            error: attempt.error,
            phase: attempt.phase.map(|phase| phase.name()),
            duration_ms: attempt.duration_ms,
            response: text.filter(|text| !text.is_empty()),
            received: response.map(Into::into),
            request: attempt.exchange.request().map(Into::into),
        }
    }
}

impl From<SentRequest> for RequestView {
    fn from(request: SentRequest) -> Self {
        Self {
            method: "POST",
            url: request.url,
            protocol: request.protocol.map(Protocol::name),
            headers: request.headers.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<ReceivedResponse> for ReceivedView {
    fn from(response: ReceivedResponse) -> Self {
        Self {
            response_base64: Base64::encode_string(&response.body),
            response_headers: response.headers.into_iter().map(Into::into).collect(),
            response_headers_cut: response.has_more_headers,
            response_bytes: response.body_bytes,
        }
    }
}

impl From<WireHeader> for HeaderView {
    fn from(header: WireHeader) -> Self {
        Self {
            name: header.name,
            value: header.value,
        }
    }
}
