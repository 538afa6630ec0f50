//! `/v1/audit`: the changes that keys have made.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use webhook_model::{AuditChange, AuditEntry, AuditId, AuditOutcome, KeyId, SessionId, TenantId};
use webhook_store::{AuditFilter, Cursor, Page};

use super::error::ApiError;
use super::extract::Query;
use super::moment;
use super::paging::limit;
use super::state::Api;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    tenant: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cursor: Option<Cursor>,
    limit: Option<usize>,
}

/// The JSON form of an entry.
#[derive(Serialize)]
pub struct View {
    id: AuditId,
    at: String,
    key: KeyId,
    key_name: String,
    session: Option<SessionId>,
    address: Option<String>,
    action: String,
    tenant: Option<TenantId>,
    target: Option<String>,
    outcome: &'static str,
    /// The code of a failure.
    code: Option<String>,
    changes: Vec<AuditChange>,
}

impl From<AuditEntry> for View {
    fn from(entry: AuditEntry) -> Self {
        let (outcome, code) = match entry.outcome {
            AuditOutcome::Done => ("done", None),
            AuditOutcome::Unknown => ("unknown", None),
            AuditOutcome::Failed(code) => ("failed", Some(code)),
        };
        Self {
            id: entry.id,
            at: entry.at.to_string(),
            key: entry.key,
            key_name: entry.key_name,
            session: entry.session,
            address: entry.peer,
            action: entry.action,
            tenant: entry.tenant,
            target: entry.target,
            outcome,
            code,
            changes: entry.changes,
        }
    }
}

pub async fn list(
    State(api): State<Api>,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Page<View>>, ApiError> {
    let limit = limit(parameters.limit)?;
    let filter = AuditFilter {
        tenant: parameters
            .tenant
            .as_deref()
            .map(TenantId::parse)
            .transpose()?,
        from: moment::optional("from", parameters.from.as_deref())?,
        to: moment::optional("to", parameters.to.as_deref())?,
    };
    let page = api
        .audit
        .list(&filter, parameters.cursor.as_ref(), limit)
        .await?;
    Ok(Json(page.map(Into::into)))
}
