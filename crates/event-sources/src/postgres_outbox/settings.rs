//! The settings of an outbox.

use postgres_link::Connector;
use webhook_model::TenantId;

use super::Table;
use crate::Bounds;

/// A table, its database, and the bounds of reading it.
#[derive(Clone)]
pub struct Settings {
    /// The name of the source.
    pub name: String,
    pub connector: Connector,
    pub table: Table,
    /// The bounds in memory. A reply may take as many bytes again.
    pub bounds: Bounds,
    /// The tenant of all rows. Without it, each row names its tenant.
    pub tenant: Option<TenantId>,
}

impl Settings {
    /// Creates settings with default bounds.
    pub fn new(name: impl Into<String>, connector: Connector, table: Table) -> Self {
        Self {
            name: name.into(),
            connector,
            table,
            bounds: Bounds::default().a_quarter(),
            tenant: None,
        }
    }
}
