//! The capabilities of a component, settled when the app is loaded and shared by its requests.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::files::Files;
use super::key_value::Store;
use super::network::Network;
use super::sqlite::Database;
use super::stdio::Logs;
use super::stores::Stores;
use crate::manifest::Component;
use crate::terminal;

/// The capabilities of a component.
pub(super) struct Grants {
    pub(super) component: String,
    pub(super) key_value: HashMap<String, Store>,
    pub(super) sqlite: HashMap<String, Arc<Database>>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) files: Option<Files>,
    pub(super) logs: Logs,
    pub(super) network: Network,
}

impl Grants {
    pub(super) fn new(
        component: Component,
        stores: &Stores,
        files: Option<Files>,
        logs: Logs,
        network: Network,
    ) -> Self {
        Self {
            files,
            key_value: stores.key_value_of(&component),
            sqlite: stores.sqlite_of(&component),
            variables: component.variables,
            environment: component.environment,
            component: component.id,
            logs,
            network,
        }
    }

    /// Reports a refused connection to an origin.
    pub(super) fn report_denied(&self, origin: &str) {
        terminal::line(format_args!(
            "component `{}` is not allowed to connect to `{origin}`: add it to its \
             `allowed_outbound_hosts`",
            self.component
        ));
    }
}
