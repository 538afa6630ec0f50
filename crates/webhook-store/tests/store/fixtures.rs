//! Values for tests: times, names, events, planned deliveries, attempts and filters.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use webhook_model::{
    Attempt, DeliveryId, DeliveryState, Endpoint, EndpointId, Event, EventId, Exchange,
    HeaderBlock, Millis, Owner, Phase, Protocol, ReceivedParts, RequestRecord, Source, TenantId,
};
use webhook_store::{DeliveryFilter, InitialState, NewDelivery, PlannedEvent};

/// Returns the time `ms` after the start of the test.
pub fn at(ms: u64) -> Millis {
    Millis(1_800_000_000_000 + ms)
}

pub const DAY: u64 = 24 * 60 * 60 * 1000;

/// The end of the lease of a world's own sender, later than any test lasts.
pub const UNTIL: u64 = 1000 * DAY;

pub fn tenant_id(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

pub fn endpoint_id(id: &str) -> EndpointId {
    EndpointId::parse(id).unwrap()
}

pub fn event_id(id: &str) -> EventId {
    EventId::parse(id).unwrap()
}

/// Returns a sender of that name on an unknown host.
pub fn sender(name: &str) -> Owner {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    Owner {
        name: name.into(),
        incarnation: format!("run {run}"),
        host: format!("machine {run}"),
        pid: 1,
    }
}

pub fn endpoint(tenant: &TenantId, id: &str) -> Endpoint {
    test_fixtures::endpoint(tenant, id, at(0))
}

/// Returns an event `id` whose data contains the id.
pub fn event(id: &str) -> Event {
    Event {
        id: event_id(id),
        kind: "order.shipped".into(),
        data: format!(r#"{{"id":"{id}"}}"#).into(),
        at: at(0),
        ordering_key: None,
        source: Source::API,
    }
}

pub fn keyed(id: &str, key: &str) -> Event {
    Event {
        ordering_key: Some(key.into()),
        ..event(id)
    }
}

/// Returns a new delivery of an event to an endpoint.
#[derive(Clone)]
pub struct To {
    pub endpoint: EndpointId,
    pub body: Option<Bytes>,
    pub ordered: bool,
    pub start: InitialState,
}

pub fn claimed(endpoint: &EndpointId) -> To {
    To {
        endpoint: endpoint.clone(),
        body: None,
        ordered: false,
        start: InitialState::Claimed,
    }
}

pub fn due(endpoint: &EndpointId, ms: u64) -> To {
    To {
        start: InitialState::Due(at(ms)),
        ..claimed(endpoint)
    }
}

pub fn dead(endpoint: &EndpointId, reason: &str) -> To {
    To {
        start: InitialState::Dead(reason.into()),
        ..claimed(endpoint)
    }
}

impl To {
    pub fn ordered(self) -> Self {
        Self {
            ordered: true,
            ..self
        }
    }
}

pub fn planned(tenant: &TenantId, event: Event, to: &[To]) -> PlannedEvent {
    let delivery = |to: &To| NewDelivery {
        id: DeliveryId::of(tenant, &event.id, &to.endpoint),
        endpoint: to.endpoint.clone(),
        body: to.body.clone(),
        ordered: to.ordered,
        start: to.start.clone(),
    };
    let deliveries = to.iter().map(delivery).collect();
    PlannedEvent { event, deliveries }
}

/// Returns the exchange of a request to which a receiver responded with that body.
pub fn exchange(body: &[u8]) -> Exchange {
    let mut headers = HeaderBlock::default();
    headers.push("X-Odd", b"\xff\0");
    let response = ReceivedParts {
        protocol: Protocol::Http1,
        headers: &headers,
        body,
        body_bytes: body.len() as u64,
    };
    let mut request = RequestRecord::new("https://example.com/hook?token=s3cret");
    request.hidden("Authorization");
    request.exchange([("webhook-id", "one")], 17, Some(&response))
}

/// Returns an attempt as lists show it.
pub fn listed(attempt: Attempt) -> Attempt {
    Attempt {
        exchange: Exchange::default(),
        ..attempt
    }
}

/// Returns an attempt at that time that failed with 500.
pub fn failure(ms: u64) -> Attempt {
    Attempt {
        at: at(ms),
        status: Some(500),
        error: Some("responded 500".into()),
        phase: Some(Phase::Respond),
        duration_ms: 7,
        exchange: exchange(b"sorry, \"quoted\"\n\0\xff"),
    }
}

/// Returns an attempt at that time that succeeded.
pub fn success(ms: u64) -> Attempt {
    Attempt {
        status: Some(204),
        error: None,
        phase: None,
        exchange: Exchange::default(),
        ..failure(ms)
    }
}

pub fn of_state(state: DeliveryState) -> DeliveryFilter {
    DeliveryFilter {
        state: Some(state),
        ..DeliveryFilter::default()
    }
}

pub fn of_delivery(id: &DeliveryId) -> DeliveryFilter {
    DeliveryFilter {
        delivery: Some(id.clone()),
        ..DeliveryFilter::default()
    }
}
