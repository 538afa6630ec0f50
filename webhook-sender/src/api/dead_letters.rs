//! `/v1/dead-letters` and `/v1/tenants/{tenant}/dead-letters`: events that could not be planned.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use webhook_model::{Event, FieldText, RawEvent, Rejected, Source, TenantId};
use webhook_store::{Page, RejectedFilter};

use super::error::ApiError;
use super::events::{self, moment, present};
use super::extract::{OptionalJsonBytes, Path, Query, object};
use super::paging::{PageParameters, limit};
use super::state::Api;
use crate::audit::AuditDetail;
use crate::keys::Principal;

#[derive(Serialize)]
pub struct View {
    id: String,
    tenant: Option<TenantId>,
    source: Source,
    at: String,
    code: String,
    reason: String,
    fields: Vec<(FieldText, FieldText)>,
}

/// Corrections of an event before it is planned again. Omitted fields keep their values.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Corrections<'a> {
    tenant: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    id: Option<String>,
    timestamp: Option<Value>,
    ordering_key: Option<String>,
}

impl From<Rejected> for View {
    fn from(rejected: Rejected) -> Self {
        Self {
            id: rejected.id,
            tenant: rejected.tenant,
            source: rejected.source,
            at: rejected.at.to_string(),
            code: rejected.code,
            reason: rejected.reason,
            fields: rejected.fields,
        }
    }
}

/// Lists rejected events without an existing tenant.
pub async fn unassigned(
    State(api): State<Api>,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<Page<View>>, ApiError> {
    page(&api, &RejectedFilter::Unassigned, parameters).await
}

/// Lists the rejected events of a tenant.
pub async fn of_tenant(
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    Query(parameters): Query<PageParameters>,
) -> Result<Json<Page<View>>, ApiError> {
    api.require(&tenant).await?;
    page(&api, &RejectedFilter::Tenant(tenant), parameters).await
}

/// Returns a rejected event, of a tenant or of none.
pub async fn get(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Json<View>, ApiError> {
    Ok(Json(find(&api, &principal, &id).await?.into()))
}

/// Plans a rejected event, with the corrections of the body.
pub async fn retry(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
    OptionalJsonBytes(body): OptionalJsonBytes,
) -> Result<impl IntoResponse, ApiError> {
    let corrections = match body.is_empty() {
        true => Corrections::default(),
        false => object(&body)?,
    };
    let rejected = find(&api, &principal, &id).await?;
    let (tenant, event, detail) = corrected(&api, &principal, &rejected, (&body, corrections))?;
    let event = api.planner.resubmit(&tenant, event).await?.id;
    let detail = detail.with("event", event.as_str()).in_tenant(Some(tenant));
    // After planning, so that a failure in between loses nothing. Planning twice changes nothing.
    api.queries.take_rejected(&id).await?;
    let body = Json(json!({ "id": event }));
    Ok((StatusCode::ACCEPTED, Extension(detail), body))
}

async fn find(api: &Api, principal: &Principal, id: &str) -> Result<Rejected, ApiError> {
    let filter = RejectedFilter::Id(id.to_owned());
    let page = api.queries.rejected(&filter, None, 1).await?;
    let own = principal.tenant.as_ref();
    let is_visible = |found: &Rejected| own.is_none() || found.tenant.as_ref() == own;
    let found = page.items.into_iter().next().filter(is_visible);
    found.ok_or_else(|| ApiError::not_found("dead letter", id))
}

/// Returns the event with the corrections, which are parsed from `body`, its tenant, and what was corrected.
fn corrected(
    api: &Api,
    principal: &Principal,
    rejected: &Rejected,
    (body, corrections): (&Bytes, Corrections<'_>),
) -> Result<(TenantId, Event, AuditDetail), ApiError> {
    let timestamp = corrections.timestamp.as_ref().map(moment).transpose()?;
    let correct = |name: &str, corrected: Option<&String>| match corrected {
        Some(text) => Ok(Some(text.clone())),
        None => text(rejected, name),
    };
    let missing = |name: &str| ApiError::invalid(format!("the event has no `{name}`"));
    let required = |name: &str, corrected| correct(name, corrected)?.ok_or_else(|| missing(name));
    let tenant = TenantId::parse(&required("tenant", corrections.tenant.as_ref())?)?;
    if !principal.sees(&tenant) {
        return Err(ApiError::not_found("tenant", tenant));
    }
    let kind = required("type", corrections.kind.as_ref())?;
    let id = correct("id", corrections.id.as_ref())?;
    let ordering_key = correct("ordering_key", corrections.ordering_key.as_ref())?;
    let detail = corrections.detail(timestamp.as_deref());
    let timestamp = correct("timestamp", timestamp.as_ref())?;
    // The bytes of the body, not a value: numbers and spaces stay as they are.
    let data = corrections.data.map(|data| events::data(body, data));
    let data = data.or_else(|| rejected.field("data").map(|data| data.bytes().clone()));
    let raw = RawEvent {
        // An event without an id has the one derived from its stream entry.
        id: id.as_deref().or(Some(&rejected.id)),
        kind: &kind,
        data: data.ok_or_else(|| missing("data"))?,
        timestamp: timestamp.as_deref(),
        ordering_key: ordering_key.as_deref(),
        source: rejected.source.clone(),
    };
    let event = raw.check(api.max_data_bytes, api.clock.now())?;
    Ok((tenant, event, detail))
}

impl Corrections<'_> {
    /// Returns the corrections for the audit list, without data.
    fn detail(&self, timestamp: Option<&str>) -> AuditDetail {
        let texts = [
            ("tenant", self.tenant.as_deref()),
            ("type", self.kind.as_deref()),
            ("id", self.id.as_deref()),
            ("timestamp", timestamp),
            ("ordering_key", self.ordering_key.as_deref()),
        ];
        let given = texts.into_iter();
        let given = given.filter_map(|(name, text)| Some((name, text?)));
        let detail = given.fold(AuditDetail::default(), |detail, (name, text)| {
            detail.with(name, text)
        });
        match self.data {
            Some(data) => detail.with("data", format!("({} bytes)", data.get().len())),
            None => detail,
        }
    }
}

fn text(rejected: &Rejected, name: &str) -> Result<Option<String>, ApiError> {
    let Some(value) = rejected.field(name) else {
        return Ok(None);
    };
    let wrong = || ApiError::invalid(format!("field `{name}` of the event is not UTF-8"));
    value
        .text()
        .map(|text| Some(text.to_owned()))
        .ok_or_else(wrong)
}

async fn page(
    api: &Api,
    filter: &RejectedFilter,
    parameters: PageParameters,
) -> Result<Json<Page<View>>, ApiError> {
    let limit = limit(parameters.limit)?;
    let page = api
        .queries
        .rejected(filter, parameters.cursor.as_ref(), limit)
        .await?;
    Ok(Json(page.map(Into::into)))
}
