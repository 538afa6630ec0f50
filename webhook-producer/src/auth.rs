//! Who may call: with `api_token` set, only those who know it.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::ApiToken;
use crate::http::Headers;

/// What a 401 says in `WWW-Authenticate` (RFC 6750, section 3).
pub const CHALLENGE: &str = "Bearer realm=\"webhook-producer\"";

/// Whether a request with these headers may go on: no token is wanted, or `Authorization` holds it.
///
/// Digests are compared, in constant time: how long it takes says neither how much of a guess was
/// right nor how long the token is.
pub fn is_welcome(headers: &Headers, wanted: &ApiToken) -> bool {
    let ApiToken::Required(wanted) = wanted else {
        return true;
    };
    let Some(given) = headers.single("authorization").and_then(bearer_token) else {
        return false;
    };
    let given = Sha256::digest(given.as_bytes());
    let wanted = Sha256::digest(wanted.as_bytes());
    given.as_slice().ct_eq(wanted.as_slice()).into()
}

/// The token of a `Bearer` credential; the scheme's name is written in any case (RFC 9110, 11.1).
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn welcome(token: &str, authorization: &[&str]) -> bool {
        let entries = authorization
            .iter()
            .map(|value| ("authorization".to_owned(), value.as_bytes().to_vec()));
        let headers = Headers::new(entries.collect());
        is_welcome(&headers, &ApiToken::Required(token.to_owned()))
    }

    #[test]
    fn the_token_opens_the_door() {
        assert!(welcome("s3cret", &["Bearer s3cret"]));
        assert!(welcome("s3cret", &["bearer  s3cret"]));
    }

    #[test]
    fn nothing_else_does() {
        let wrong: [&[&str]; 9] = [
            &[],
            &[""],
            &["s3cret"],
            &["Bearer"],
            &["Bearer "],
            &["Bearer s3cre"],
            &["Bearer s3cret2"],
            &["Basic s3cret"],
            &["Bearer s3cret", "Bearer s3cret"],
        ];
        for authorization in wrong {
            assert!(!welcome("s3cret", authorization), "{authorization:?}");
        }
    }

    #[test]
    fn without_a_token_everybody_is_welcome() {
        assert!(is_welcome(&Headers::default(), &ApiToken::Open));
    }
}
