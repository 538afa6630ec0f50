//! Roles of access keys.

use serde::{Deserialize, Serialize};

/// The role of an access key. An administrator's key is for all tenants, any other for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, for all tenants.
    Admin,
    /// Changes and reads all that belongs to its tenant.
    Operator,
    /// Publishes events of its tenant.
    Publisher,
    /// Reads all that belongs to its tenant, including payloads.
    Viewer,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Admin, Self::Operator, Self::Publisher, Self::Viewer];

    /// Returns the name in JSON and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Publisher => "publisher",
            Self::Viewer => "viewer",
        }
    }

    /// Returns the role of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}
