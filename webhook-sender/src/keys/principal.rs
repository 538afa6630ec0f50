//! The author of a request.

use std::sync::Arc;

use webhook_model::{AccessSession, KeyId, Millis, Portal, Role, SessionId, TenantId, TokenHash};

use super::permission::Permission;

/// The id and the name of the principal of an API without keys.
const LOCAL: &str = "local";

/// The author of a request: a key, with its rights. In the extensions of every request that the API has
/// let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub key: KeyId,
    pub name: Arc<str>,
    pub role: Role,
    /// The only tenant that it has access to; `None` for all, which only administrators have.
    pub tenant: Option<TenantId>,
    /// The session through which it acts, if it does not send its key.
    pub session: Option<SessionId>,
    /// Set for a session of a tenant's portal.
    pub is_portal: bool,
    /// The end of the session.
    pub expires_at: Option<Millis>,
    /// The hash of the session's token.
    pub(super) token: Option<TokenHash>,
}

/// The reason why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Its tenant is another one. The response must not reveal that the tenant exists.
    OtherTenant,
    /// The role does not have the permission.
    Role,
}

impl Principal {
    /// Returns the principal of an API without keys: any program on this machine.
    pub fn local() -> Self {
        Self {
            key: local_key(),
            name: LOCAL.into(),
            role: Role::Admin,
            tenant: None,
            session: None,
            is_portal: false,
            expires_at: None,
            token: None,
        }
    }

    /// Returns the principal of a session of this key. One of a portal ends when its key can open none any
    /// more.
    pub(super) fn within(self, session: AccessSession) -> Option<Self> {
        let Some(Portal { tenant, role }) = session.portal else {
            return Some(Self {
                session: Some(session.id),
                expires_at: Some(session.expires_at),
                token: Some(session.hash),
                ..self
            });
        };
        self.check(Permission::Operate, Some(&tenant)).ok()?;
        Some(Self {
            role,
            tenant: Some(tenant),
            session: Some(session.id),
            is_portal: true,
            expires_at: Some(session.expires_at),
            token: Some(session.hash),
            ..self
        })
    }

    /// Returns true if its role has the permission.
    pub fn may(&self, permission: Permission) -> bool {
        permission.is_of(self.role)
    }

    /// Returns true if it has access to a tenant.
    pub fn sees(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// Checks a request about `tenant`, or about no tenant.
    ///
    /// # Errors
    ///
    /// Returns the reason for a refusal.
    pub fn check(&self, permission: Permission, tenant: Option<&TenantId>) -> Result<(), Denial> {
        if tenant.is_some_and(|tenant| !self.sees(tenant)) {
            Err(Denial::OtherTenant)
        } else if !self.may(permission) {
            Err(Denial::Role)
        } else {
            Ok(())
        }
    }
}

/// Returns the id of the principal of an API without keys.
pub(super) fn local_key() -> KeyId {
    KeyId::named(LOCAL)
}
