//! The details of a change.

use serde_json::{Map, Value};
use webhook_model::{AuditChange, TenantId};

/// The longest value that an entry holds, in bytes of JSON.
const MAX_VALUE_BYTES: usize = 1024;

/// The details of a change, which a handler adds to the extensions of its response.
#[derive(Clone, Debug, Default)]
pub struct AuditDetail {
    /// The tenant, if the path does not name it.
    pub tenant: Option<TenantId>,
    /// The id of what is changed, if the path does not name it.
    pub target: Option<String>,
    pub changes: Vec<AuditChange>,
}

impl AuditDetail {
    /// Returns the details of a change of this resource.
    pub fn of(target: impl ToString) -> Self {
        Self {
            target: Some(target.to_string()),
            ..Self::default()
        }
    }

    /// Adds a field with its new value.
    #[must_use]
    pub fn with(mut self, field: &str, to: impl Into<Value>) -> Self {
        self.changes.push(AuditChange {
            field: field.into(),
            from: None,
            to: Some(bounded(&to.into())),
        });
        self
    }

    /// Adds a field whose value is a secret.
    #[must_use]
    pub fn with_secret(mut self, field: &str) -> Self {
        self.changes.push(AuditChange {
            field: field.into(),
            from: None,
            to: None,
        });
        self
    }

    /// Returns true if a field is among the changes.
    pub fn has(&self, field: &str) -> bool {
        self.changes.iter().any(|change| change.field == field)
    }

    #[must_use]
    pub fn in_tenant(self, tenant: Option<TenantId>) -> Self {
        Self { tenant, ..self }
    }

    #[must_use]
    pub fn changed(mut self, changes: Vec<AuditChange>) -> Self {
        self.changes.extend(changes);
        self
    }
}

/// Returns the fields that differ; an absent one equals `null`. Values of secrets must be masked in both.
pub fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<AuditChange> {
    let value = |fields: &Map<String, Value>, name| {
        let value = fields.get(name).filter(|value| !value.is_null());
        value.map(bounded)
    };
    let removed = before.keys().filter(|name| !after.contains_key(*name));
    let changes = after.keys().chain(removed).map(|name| AuditChange {
        field: name.clone(),
        from: value(before, name),
        to: value(after, name),
    });
    changes.filter(|change| change.from != change.to).collect()
}

/// Returns a value, or its length if it is long.
fn bounded(value: &Value) -> Value {
    match value.to_string().len() {
        ..=MAX_VALUE_BYTES => value.clone(),
        bytes => Value::String(format!("({bytes} bytes)")),
    }
}
