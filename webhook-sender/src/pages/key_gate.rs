//! Keys and sessions as the gate of the pages.

use async_trait::async_trait;
use axum::http::{Extensions, StatusCode};
use axum::response::IntoResponse;

use super::backend::page_error;
use super::error::PageError;
use super::gate::{Gate, NewSession, Visitor};
use super::text::Text;
use crate::api::{Access, ApiError, Peer};
use crate::keys::{Permission, Principal, SESSION_LIFETIME};

/// Lets in visitors with the API's keys.
pub struct KeyGate {
    access: Access,
    /// The secret of a visitor without a session.
    secret: String,
}

impl KeyGate {
    pub fn new(access: Access) -> Self {
        Self {
            access,
            secret: hex::encode(rand::random::<[u8; 32]>()),
        }
    }
}

#[async_trait]
impl Gate for KeyGate {
    async fn sign_in(&self, key: &str, peer: Peer) -> Result<NewSession, PageError> {
        let signed_in = match self.access.sign_in(peer, key).await {
            Ok(signed_in) => signed_in,
            Err(error) => return Err(refused(error).await),
        };
        let token = signed_in.token.reveal().to_owned();
        if !signed_in.principal.may(Permission::Read) {
            self.sign_out(&token, peer).await?;
            return Err(PageError::new(
                StatusCode::FORBIDDEN,
                "This key can only publish events. The pages need a key that can read.",
            ));
        }
        Ok(NewSession {
            token,
            seconds: SESSION_LIFETIME.as_secs(),
        })
    }

    async fn visitor(&self, token: &str, peer: Peer) -> Result<Option<Visitor>, PageError> {
        match self.access.session(peer, token).await {
            Ok(principal) => Ok(Some(visitor(principal, peer, token.to_owned(), true))),
            Err(error) => match refused(error).await {
                error if error.status == StatusCode::UNAUTHORIZED => Ok(None),
                error => Err(error),
            },
        }
    }

    fn without_key(&self, peer: Peer) -> Option<Visitor> {
        let local = || visitor(Principal::local(), peer, self.secret.clone(), false);
        self.access.is_open().then(local)
    }

    async fn sign_out(&self, token: &str, peer: Peer) -> Result<(), PageError> {
        match self.access.sign_out(peer, token).await {
            Ok(()) => Ok(()),
            Err(error) => Err(refused(error).await),
        }
    }
}

async fn refused(error: ApiError) -> PageError {
    let response = error.into_response();
    match response.status() {
        status @ StatusCode::UNAUTHORIZED => {
            PageError::new(status, "The key is wrong, has expired, or was revoked.")
        }
        status @ StatusCode::TOO_MANY_REQUESTS => PageError::new(
            status,
            "Too many wrong keys came from your address. Wait a few seconds, and try again.",
        ),
        _ => page_error(response).await,
    }
}

fn visitor(principal: Principal, peer: Peer, secret: String, can_sign_out: bool) -> Visitor {
    let mut grants = Extensions::new();
    grants.insert(peer);
    grants.insert(principal.clone());
    let tenant = principal.tenant.as_ref();
    Visitor {
        name: Text::from(&*principal.name),
        role: principal.role.name(),
        is_admin: principal.may(Permission::Administer),
        can_change: principal.may(Permission::Operate),
        tenant: tenant.map(ToString::to_string),
        is_portal: principal.is_portal,
        can_sign_out,
        secret,
        host: None,
        grants,
    }
}
