//! Permissions, and the roles that have them.

use webhook_model::Role;

/// The permission that a request needs. Each route of the API has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Every key has it.
    Enter,
    /// To publish events.
    Publish,
    /// To read what belongs to a tenant, including payloads.
    Read,
    /// To change endpoints, replay, retry, erase, test, preview, and open portal sessions.
    Operate,
    /// To change tenants and keys, and to read what belongs to no tenant.
    Administer,
}

impl Permission {
    pub const ALL: [Self; 5] = [
        Self::Enter,
        Self::Publish,
        Self::Read,
        Self::Operate,
        Self::Administer,
    ];

    /// Returns true if keys of this role have the permission.
    pub fn is_of(self, role: Role) -> bool {
        match self {
            Self::Enter => true,
            Self::Publish => matches!(role, Role::Admin | Role::Publisher),
            Self::Read => matches!(role, Role::Admin | Role::Operator | Role::Viewer),
            Self::Operate => matches!(role, Role::Admin | Role::Operator),
            Self::Administer => role == Role::Admin,
        }
    }
}
