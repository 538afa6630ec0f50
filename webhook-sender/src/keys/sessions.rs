//! The sessions of the pages.

use std::time::Duration;

use webhook_model::{AccessSession, Millis, Portal, SessionId, TokenHash};
use webhook_store::StoreError;

use super::keyring::Keyring;
use super::new_token::{NewToken, may_be_session};
use super::principal::Principal;

/// The time after which a session of the pages ends.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// A new session.
pub struct SignedIn {
    /// The token, for the cookie.
    pub token: NewToken,
    pub principal: Principal,
    pub expires_at: Millis,
}

impl Keyring {
    /// Opens a session for a principal that has sent its key.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn open_session(&self, principal: Principal) -> Result<SignedIn, StoreError> {
        let token = NewToken::session();
        let session = self.new_session(&principal, &token, None, SESSION_LIFETIME);
        self.store.add_session(&session).await?;
        Ok(SignedIn {
            token,
            expires_at: session.expires_at,
            principal: Principal {
                session: Some(session.id),
                expires_at: Some(session.expires_at),
                token: Some(session.hash),
                ..principal
            },
        })
    }

    /// Returns the principal of a session's token; `None` if the session has ended or never existed.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn session(&self, token: &str) -> Result<Option<Principal>, StoreError> {
        if !may_be_session(token) {
            return Ok(None);
        }
        let session = self.store.session(&TokenHash::of(token)).await?;
        let now = self.clock.now();
        let Some(session) = session.filter(|session| now < session.expires_at) else {
            return Ok(None);
        };
        let key = self.by_id(&session.key).await?;
        Ok(key.and_then(|key| key.within(session)))
    }

    /// Ends the session with this token, if there is one.
    ///
    /// # Errors
    ///
    /// Fails if the store does.
    pub async fn end_session(&self, token: &str) -> Result<(), StoreError> {
        if may_be_session(token) {
            self.store.delete_session(&TokenHash::of(token)).await?;
            self.stored.announce_end();
        }
        Ok(())
    }

    pub(super) fn new_session(
        &self,
        principal: &Principal,
        token: &NewToken,
        portal: Option<Portal>,
        lifetime: Duration,
    ) -> AccessSession {
        let now = self.clock.now();
        AccessSession {
            id: SessionId::at(now),
            hash: token.hash(),
            key: principal.key.clone(),
            key_name: principal.name.to_string(),
            portal,
            created_at: now,
            expires_at: now.after(lifetime),
        }
    }
}
