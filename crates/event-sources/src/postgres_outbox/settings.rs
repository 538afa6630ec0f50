//! The settings of an outbox.

use std::time::Duration;

use postgres_link::Connector;
use webhook_model::TenantId;

use super::table::Table;
use crate::Bounds;

/// The default of [`Settings::lease`].
pub(super) const LEASE: Duration = Duration::from_secs(15);

/// A table, its database, and the bounds of reading it.
#[derive(Clone)]
pub struct Settings {
    /// The name of the source.
    pub name: String,
    pub connector: Connector,
    pub table: Table,
    /// The time after which the server ends the connection of a process that is frozen or unreachable.
    pub lease: Duration,
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
            lease: LEASE,
            bounds: Bounds::default().a_quarter(),
            tenant: None,
        }
    }
}
