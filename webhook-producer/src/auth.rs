//! Authorization: with `api_token` set, requests need this token.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::config::ApiToken;
use crate::http::Headers;

/// The value of `WWW-Authenticate` in a 401 (RFC 6750, section 3).
pub const CHALLENGE: &str = "Bearer realm=\"webhook-producer\"";

/// Returns true if a request with these headers is authorized: no token is required, or
/// `Authorization` has it.
///
/// Digests are compared in constant time, so that the duration reveals neither the matching part of a
/// guess nor the length of the token.
pub fn is_authorized(headers: &Headers, expected: &ApiToken) -> bool {
    let ApiToken::Required(expected) = expected else {
        return true;
    };
    let Some(token) = headers.single("authorization").and_then(bearer_token) else {
        return false;
    };
    let token = Sha256::digest(token.as_bytes());
    let expected = Sha256::digest(expected.as_bytes());
    token.as_slice().ct_eq(expected.as_slice()).into()
}

/// Returns the token of a `Bearer` credential. The scheme's name is case-insensitive (RFC 9110,
/// section 11.1).
fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorized(token: &str, authorization: &[&str]) -> bool {
        let entries = authorization
            .iter()
            .map(|value| ("authorization".to_owned(), value.as_bytes().to_vec()));
        let headers = Headers::new(entries.collect());
        is_authorized(&headers, &ApiToken::Required(token.to_owned()))
    }

    #[test]
    fn the_right_token_is_authorized() {
        assert!(authorized("s3cret", &["Bearer s3cret"]));
        assert!(authorized("s3cret", &["bearer  s3cret"]));
    }

    #[test]
    fn any_other_authorization_is_rejected() {
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
            assert!(!authorized("s3cret", authorization), "{authorization:?}");
        }
    }

    #[test]
    fn without_a_token_every_request_is_authorized() {
        assert!(is_authorized(&Headers::default(), &ApiToken::Open));
    }
}
