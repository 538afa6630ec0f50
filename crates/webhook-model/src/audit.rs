//! The audit list: the changes of state that keys have made.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AuditId, KeyId, Millis, SessionId, TenantId};

/// A change of state: its time, its author, its subject and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Millis,
    pub key: KeyId,
    pub key_name: String,
    /// The session through which the key acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The address of the client; `None` for a change of the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The action, for example `endpoint.change`.
    pub action: String,
    /// The tenant that the change belongs to; `None` for keys, reloads and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// The id of what is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub outcome: AuditOutcome,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<AuditChange>,
}

/// The outcome of a change. An entry is written before its change, so that no change lacks one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// The change is in progress, or its outcome could not be recorded.
    Unknown,
    Done,
    /// The change was rejected with this code, or failed.
    Failed(String),
}

/// A field that was changed. The values of secrets are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditChange {
    pub field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}
