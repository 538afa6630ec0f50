//! `/v1/tenants/{tenant}/events`: events of a tenant, and what became of them.

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use webhook_model::{EventId, EventState, FieldText, Rejected, Source, TenantId};
use webhook_store::{
    Cursor, DeliveryFilter, EventDetails, EventFilter, EventSummary, ListedEvent, Page,
    RejectedFilter,
};

use super::deliveries;
use super::delivery_view;
use super::error::ApiError;
use super::extract::{Path, Query};
use super::paging::{DEFAULT_LIMIT, limit};
use super::state::Api;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    #[serde(rename = "type")]
    kind: Option<String>,
    state: Option<String>,
    source: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<Cursor>,
    limit: Option<usize>,
}

/// The JSON form of an event of a list.
#[derive(Serialize)]
pub struct View {
    /// The event's id; the id of the dead letter if it is rejected.
    id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    timestamp: Option<String>,
    accepted_at: String,
    state: &'static str,
    source: Source,
    ordering_key: Option<String>,
    /// Present if the data was erased.
    #[serde(skip_serializing_if = "is_false")]
    erased: bool,
    #[serde(flatten)]
    rejection: Option<Rejection>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "called by serde")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The reason of a rejected event, and the event in full.
#[derive(Serialize)]
struct Rejection {
    /// The id that the event names.
    event: Option<String>,
    code: String,
    reason: String,
    /// All fields as they arrived.
    fields: Vec<(FieldText, FieldText)>,
}

/// The JSON form of one event, with its data and its deliveries.
#[derive(Serialize)]
pub struct Details {
    #[serde(flatten)]
    event: View,
    /// Absent if a rejected event has none, or none that is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Box<RawValue>>,
    deliveries: Page<delivery_view::View>,
}

impl From<EventSummary> for View {
    fn from(event: EventSummary) -> Self {
        Self {
            id: event.id.to_string(),
            kind: Some(event.kind),
            timestamp: Some(event.at.to_string()),
            accepted_at: event.accepted_at.to_string(),
            state: event.state.name(),
            source: event.source,
            ordering_key: event.ordering_key,
            erased: event.erased,
            rejection: None,
        }
    }
}

impl From<Rejected> for View {
    fn from(rejected: Rejected) -> Self {
        let text = |name| rejected.field(name).and_then(FieldText::text);
        let text = |name| text(name).map(str::to_owned);
        Self {
            kind: text("type"),
            timestamp: text("timestamp"),
            ordering_key: text("ordering_key"),
            erased: false,
            accepted_at: rejected.at.to_string(),
            state: EventState::Rejected.name(),
            rejection: Some(Rejection {
                event: text("id"),
                code: rejected.code,
                reason: rejected.reason,
                fields: rejected.fields,
            }),
            id: rejected.id,
            source: rejected.source,
        }
    }
}

impl From<ListedEvent> for View {
    fn from(listed: ListedEvent) -> Self {
        match listed {
            ListedEvent::Kept(event) => event.into(),
            ListedEvent::Rejected(rejected) => rejected.into(),
        }
    }
}

/// Lists the events of a tenant.
pub async fn list(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Page<View>>, ApiError> {
    api.require(&tenant).await?;
    let limit = limit(parameters.limit)?;
    let filter = EventFilter {
        kind: parameters.kind,
        state: parameters.state.as_deref().map(state).transpose()?,
        source: parameters.source.as_deref().map(Source::named),
        from: super::moment::optional("from", parameters.from.as_deref())?,
        to: super::moment::optional("to", parameters.to.as_deref())?,
    };
    let cursor = parameters.cursor.as_ref();
    let page = api.queries.events(&tenant, &filter, cursor, limit).await?;
    Ok(Json(page.map(Into::into)))
}

/// Returns one event by its id, or a rejected one by the id of its dead letter.
pub async fn get(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, String)>,
) -> Result<Json<Details>, ApiError> {
    api.require(&tenant).await?;
    if let Ok(id) = EventId::parse(&id)
        && let Some(found) = api.queries.event_details(&tenant, &id).await?
    {
        return kept(&api, &tenant, found).await.map(Json);
    }
    let filter = RejectedFilter::Id(id.clone());
    let page = api.queries.rejected(&filter, None, 1).await?;
    let mut found = page.items.into_iter();
    let rejected = found.find(|rejected| rejected.tenant.as_ref() == Some(&tenant));
    let rejected = rejected.ok_or_else(|| ApiError::not_found("event", id))?;
    Ok(Json(Details::of_rejected(rejected)))
}

/// Erases the payload of an event, or of a rejected one by the id of its dead letter.
pub async fn erase(
    State(api): State<Api>,
    Path((tenant, id)): Path<(TenantId, String)>,
) -> Result<Json<Value>, ApiError> {
    api.require(&tenant).await?;
    let erased = api.queries.erase(&tenant, &id, api.clock.now()).await?;
    let erased = erased.ok_or_else(|| ApiError::not_found("event", &id))?;
    // The next deliveries of ordering groups may be due.
    api.dispatch_port.wake();
    Ok(Json(json!({ "deliveries": erased.deliveries })))
}

async fn kept(api: &Api, tenant: &TenantId, found: EventDetails) -> Result<Details, ApiError> {
    let (event, data) = found.into_parts();
    let filter = DeliveryFilter {
        event: Some(event.id.clone()),
        ..DeliveryFilter::default()
    };
    Ok(Details {
        event: event.into(),
        data: raw(&data),
        deliveries: deliveries::page(api, tenant, &filter, None, DEFAULT_LIMIT).await?,
    })
}

impl Details {
    fn of_rejected(rejected: Rejected) -> Self {
        Self {
            data: rejected.field("data").and_then(|data| raw(data.bytes())),
            event: rejected.into(),
            deliveries: Page {
                items: Vec::new(),
                next_cursor: None,
            },
        }
    }
}

fn raw(data: &Bytes) -> Option<Box<RawValue>> {
    let text = String::from_utf8(data.to_vec()).ok()?;
    RawValue::from_string(text).ok()
}

fn state(name: &str) -> Result<EventState, ApiError> {
    EventState::named(name).ok_or_else(|| {
        let known = EventState::ALL.map(EventState::name).join(", ");
        ApiError::invalid(format!("state `{name}` is none of {known}"))
    })
}
