//! New keys and tokens.

use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use webhook_model::{Role, TenantId, TokenHash};
use zeroize::Zeroizing;

/// The starts of keys and of tokens of sessions, by which scanners for leaked secrets can find them.
const KEY_PREFIX: &str = "wkey_";
const SESSION_PREFIX: &str = "wses_";

/// The length of 256 bits in base64 without padding.
const RANDOM_LENGTH: usize = 43;

/// The text of a new key or token. It is shown once, and only its hash is kept.
pub struct NewToken(Zeroizing<String>);

impl NewToken {
    pub(super) fn key() -> Self {
        Self::random(KEY_PREFIX)
    }

    pub(super) fn session() -> Self {
        Self::random(SESSION_PREFIX)
    }

    /// Returns `prefix` and 256 random bits.
    fn random(prefix: &str) -> Self {
        let bytes = Zeroizing::new(rand::random::<[u8; 32]>());
        let text = Zeroizing::new(Base64UrlUnpadded::encode_string(&*bytes));
        Self(Zeroizing::new(format!("{prefix}{}", *text)))
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> TokenHash {
        TokenHash::of(&*self.0)
    }
}

/// Returns true if a text may be a key that was created at run time. No other text is looked for in the
/// store, so that wrong keys cost it nothing.
pub(super) fn may_be_key(text: &[u8]) -> bool {
    has_form(text, KEY_PREFIX)
}

/// Returns true if a text may be the token of a session.
pub(super) fn may_be_session(text: &str) -> bool {
    has_form(text.as_bytes(), SESSION_PREFIX)
}

fn has_form(text: &[u8], prefix: &str) -> bool {
    text.len() == prefix.len() + RANDOM_LENGTH && text.starts_with(prefix.as_bytes())
}

/// The declaration of a key that is created at run time.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub name: String,
    pub role: Role,
    pub tenant: Option<TenantId>,
    pub lifetime: Option<Duration>,
}
