//! The author of a change.

use webhook_model::{KeyId, SessionId};

use crate::keys::Principal;

/// The key that a change is made with, and the address that it comes from.
#[derive(Clone, Debug)]
pub struct Author {
    pub(super) key: KeyId,
    pub(super) name: String,
    pub(super) session: Option<SessionId>,
    pub(super) peer: Option<String>,
}

impl Author {
    /// Returns the author of a request.
    pub fn of_request(principal: &Principal, peer: impl ToString) -> Self {
        Self {
            key: principal.key.clone(),
            name: principal.name.to_string(),
            session: principal.session.clone(),
            peer: Some(peer.to_string()),
        }
    }

    /// Returns the author of changes that the configuration file makes.
    pub fn configuration() -> Self {
        Self::named("configuration")
    }

    /// Returns the author of changes that the sender makes by itself.
    pub fn sender() -> Self {
        Self::named("sender")
    }

    fn named(name: &'static str) -> Self {
        Self {
            key: KeyId::named(name),
            name: name.into(),
            session: None,
            peer: None,
        }
    }
}
