//! The tokens of forms, which pages of other origins cannot know.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The name of the form field.
pub const FIELD: &str = "form_token";

/// The token of the forms of one session: a hash of the session's secret, which it does not reveal.
/// Therefore every process that serves the same store accepts it, and it ends with the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormToken(String);

impl FormToken {
    /// Derives the token from the secret of a session.
    pub fn of(secret: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"webhook-sender form token\0");
        hash.update(secret.as_bytes());
        Self(hex::encode(hash.finalize()))
    }

    /// Returns `true` if a form was sent with this token.
    pub fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_one_session_and_does_not_reveal_it() {
        let token = FormToken::of("a session's secret");
        assert!(token.is(token.as_str()));
        assert!(!token.is("") && !token.is(FormToken::of("another").as_str()));
        assert!(!token.as_str().contains("secret"));
    }
}
