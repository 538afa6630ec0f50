//! The cookies of the pages: the session, and the secret of the sign-in form.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

const SESSION: &str = "webhook_sender_session";
const SIGN_IN: &str = "webhook_sender_sign_in";

/// Returns the token of the session that a request belongs to.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    find(headers, SESSION)
}

/// Returns the secret of the sign-in form that the client was sent.
pub fn sign_in(headers: &HeaderMap) -> Option<&str> {
    find(headers, SIGN_IN)
}

/// Returns the value of `Set-Cookie` that begins a session.
pub fn begin_session(token: &str, seconds: u64, is_https: bool) -> String {
    let attributes = attributes("/ui", is_https);
    format!("{SESSION}={token}; Max-Age={seconds}; {attributes}")
}

/// Returns the value of `Set-Cookie` that removes a session from a browser.
pub fn end_session(is_https: bool) -> String {
    format!("{SESSION}=; Max-Age=0; {}", attributes("/ui", is_https))
}

/// Returns the value of `Set-Cookie` that keeps the secret of a sign-in form.
pub fn begin_sign_in(secret: &str, is_https: bool) -> String {
    let attributes = attributes("/ui/sign-in", is_https);
    format!("{SIGN_IN}={secret}; Max-Age=3600; {attributes}")
}

/// No script reads a cookie, and no other site sends one.
fn attributes(path: &str, is_https: bool) -> String {
    let secure = match is_https {
        true => "; Secure",
        false => "",
    };
    format!("Path={path}; HttpOnly; SameSite=Strict{secure}")
}

/// Returns `true` if a request came over TLS. The sender itself does not speak it: a proxy that does says
/// so in `X-Forwarded-Proto`. A client that lies about it affects its own cookies only.
pub fn is_behind_tls(headers: &HeaderMap) -> bool {
    let protocol = headers.get("x-forwarded-proto");
    let protocol = protocol.and_then(|value| value.to_str().ok());
    let first = protocol.and_then(|value| value.split(',').next());
    first.is_some_and(|first| first.trim().eq_ignore_ascii_case("https"))
}

fn find<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).into_iter();
    let texts = lines.filter_map(|line| line.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';'));
    pairs.find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_this_site_only_and_secure_behind_tls() {
        let cookie = begin_session("token", 60, false);
        let expected =
            "webhook_sender_session=token; Max-Age=60; Path=/ui; HttpOnly; SameSite=Strict";
        assert_eq!(cookie, expected);
        assert!(begin_session("token", 60, true).ends_with("; Secure"));
        assert!(end_session(false).contains("Max-Age=0"));
        let mut headers = HeaderMap::new();
        assert!(!is_behind_tls(&headers));
        headers.insert("x-forwarded-proto", "HTTPS, http".parse().unwrap());
        assert!(is_behind_tls(&headers));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; webhook_sender_session=x".parse().unwrap());
        headers.append(COOKIE, "webhook_sender_sign_in=y".parse().unwrap());
        assert_eq!(session(&headers), Some("x"));
        assert_eq!(sign_in(&headers), Some("y"));
        assert_eq!(session(&HeaderMap::new()), None);
    }
}
