//! Keeps pages in a browser from calling an API that needs no token.
//!
//! Such an API listens on loopback only, where every program may call it. A browser on this machine
//! could call it too, on behalf of any page: by a host name that the page's owner points at 127.0.0.1
//! (DNS rebinding), or from another origin. Therefore only loopback names are accepted as host, and
//! requests that a browser marks as cross-origin are rejected. Other clients, such as `curl`, send no
//! such mark.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;
use problem_details::Problem;

use super::error::ApiError;

/// Accepts requests that no page of another origin can have sent.
pub async fn check(request: Request, next: Next) -> Result<Response, ApiError> {
    check_host(request.uri(), request.headers())?;
    check_origin(request.headers())?;
    Ok(next.run(request).await)
}

fn check_host(uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
    let named = uri.authority().map(|host| host.as_str().as_bytes());
    let hosts = headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    for host in hosts.chain(named) {
        if !is_loopback(host) {
            let host = String::from_utf8_lossy(host).into_owned();
            let title = "Without a token, only loopback names are accepted as host";
            return Err(Problem::new(403, "foreign-host", title)
                .detail(format!("host `{host}`"))
                .into());
        }
    }
    Ok(())
}

/// Returns `true` if a host, with or without a port, is loopback for every resolver.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(host) else {
        return false;
    };
    // An authority may contain a user, but a host may not.
    if authority.as_str().contains('@') {
        return false;
    }
    let name = authority.host();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    }
}

fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let refused = |mark: &str, value: &[u8]| {
        let value = String::from_utf8_lossy(value);
        let title = "Without a token, no request from another origin is accepted";
        let detail = format!("{mark} `{value}`");
        ApiError::from(Problem::new(403, "foreign-origin", title).detail(detail))
    };
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    for origin in headers.get_all(ORIGIN) {
        // A form of a page without a referrer, like ours, has no origin, but its site.
        if origin == "null" && site == Some(b"same-origin") {
            continue;
        }
        if !is_same(origin.as_bytes(), host) {
            return Err(refused("origin", origin.as_bytes()));
        }
    }
    match site {
        Some(site @ b"cross-site") => Err(refused("Sec-Fetch-Site", site)),
        _ => Ok(()),
    }
}

/// Returns `true` if an origin is the one that serves this API.
fn is_same(origin: &[u8], host: Option<&[u8]>) -> bool {
    let scheme = ["http://", "https://"].map(str::as_bytes);
    let name = scheme
        .iter()
        .find_map(|scheme| origin.strip_prefix(*scheme));
    matches!((name, host), (Some(name), Some(host)) if name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "127.0.0.1",
            "127.8.9.10:1",
            "[::1]:80",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host.as_bytes()), "{host}");
        }
        for host in [
            "attacker.example",
            "localhost.attacker.example",
            "127.0.0.1.nip.io",
            "10.0.0.1",
            "[::]",
            "0.0.0.0",
            "",
            "a@localhost:b",
            "local host",
            "127.0.0.1@attacker.example",
        ] {
            assert!(!is_loopback(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn an_origin_is_the_same_by_name_and_port() {
        let same = |origin: &str, host: &str| is_same(origin.as_bytes(), Some(host.as_bytes()));
        assert!(same("http://localhost:8080", "LOCALHOST:8080"));
        for origin in [
            "null",
            "",
            "http://localhost",
            "http://localhost:8081",
            "localhost:8080",
        ] {
            assert!(!same(origin, "localhost:8080"), "{origin}");
        }
        assert!(!is_same(b"http://", None));
    }
}
