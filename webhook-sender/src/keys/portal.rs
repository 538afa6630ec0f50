//! Sessions of a tenant's portal, which a host application opens for its own users.

use std::time::Duration;

use webhook_model::{AccessSession, Millis, Portal, Role, SessionId, TenantId};
use webhook_store::{Cursor, Page, StoreError};

use super::keyring::Keyring;
use super::new_token::NewToken;
use super::principal::Principal;

/// A new portal session.
pub struct NewPortalSession {
    pub id: SessionId,
    /// The token, for the link.
    pub token: NewToken,
    pub expires_at: Millis,
}

impl Keyring {
    /// Opens a session of a tenant's portal. Returns `None` if the tenant has too many.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn open_portal(
        &self,
        by: &Principal,
        tenant: &TenantId,
        role: Role,
        lifetime: Duration,
    ) -> Result<Option<NewPortalSession>, StoreError> {
        let token = NewToken::session();
        let portal = Portal {
            tenant: tenant.clone(),
            role,
        };
        let session = self.new_session(by, &token, Some(portal), lifetime);
        let added = self.store.add_session(&session).await?;
        Ok(added.then_some(NewPortalSession {
            id: session.id,
            token,
            expires_at: session.expires_at,
        }))
    }

    /// Lists the sessions of a tenant's portal.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn portal_sessions(
        &self,
        tenant: &TenantId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<AccessSession>, StoreError> {
        self.store.portal_sessions(tenant, cursor, limit).await
    }

    /// Moves the end of a portal session that has not ended. Returns it, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn renew_portal(
        &self,
        tenant: &TenantId,
        id: &SessionId,
        lifetime: Duration,
    ) -> Result<Option<AccessSession>, StoreError> {
        let now = self.clock.now();
        let until = now.after(lifetime);
        let renewed = self.store.extend_session(tenant, id, now, until).await?;
        // Another lifetime may end it earlier.
        self.stored.announce_end();
        Ok(renewed)
    }

    /// Ends a portal session. Returns it if it existed.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn revoke_portal(
        &self,
        tenant: &TenantId,
        id: &SessionId,
    ) -> Result<Option<AccessSession>, StoreError> {
        let deleted = self.store.delete_portal_session(tenant, id).await?;
        self.stored.announce_end();
        Ok(deleted)
    }
}
