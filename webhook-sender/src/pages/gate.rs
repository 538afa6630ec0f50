//! The visitors of the pages, and how they come in.

use async_trait::async_trait;
use axum::http::{Extensions, HeaderValue};

use super::csrf::FormToken;
use super::error::PageError;
use super::text::Text;
use crate::api::Peer;

/// A visitor: a person with a key, or a user of a tenant's portal.
#[derive(Clone)]
pub struct Visitor {
    /// The name of the key.
    pub name: Text,
    /// The name of the role.
    pub role: &'static str,
    /// May see all tenants, keys and the audit list.
    pub is_admin: bool,
    /// May change endpoints, replay and send tests.
    pub can_change: bool,
    /// The tenant that the visitor is bound to.
    pub tenant: Option<String>,
    /// Came in through a portal session.
    pub is_portal: bool,
    /// Has a session to end.
    pub can_sign_out: bool,
    /// The secret that the tokens of the visitor's forms are derived from.
    pub secret: String,
    /// The host by which the visitor calls, for links to these pages.
    pub host: Option<HeaderValue>,
    /// The extensions of a request to the API that is made for the visitor.
    pub grants: Extensions,
}

impl Visitor {
    /// Gives a request to the API the rights of the visitor.
    pub fn admit(&self, extensions: &mut Extensions) {
        extensions.extend(self.grants.clone());
    }

    /// Returns the token of the visitor's forms.
    pub fn form_token(&self) -> FormToken {
        FormToken::of(&self.secret)
    }
}

/// A session that has begun.
pub struct NewSession {
    /// The secret that the cookie holds.
    pub token: String,
    pub seconds: u64,
}

/// Keys and sessions, as far as the pages use them.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// Begins a session with a key. Fails with the reason, which the visitor sees.
    async fn sign_in(&self, key: &str, peer: Peer) -> Result<NewSession, PageError>;

    /// Returns the visitor with this session, or `None` if it has ended or never was.
    async fn visitor(&self, token: &str, peer: Peer) -> Result<Option<Visitor>, PageError>;

    /// Returns the visitor of a sender without keys, which only programs on its machine reach.
    fn without_key(&self, peer: Peer) -> Option<Visitor>;

    /// Ends a session.
    async fn sign_out(&self, token: &str, peer: Peer) -> Result<(), PageError>;
}
