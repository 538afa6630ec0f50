//! The check of a request's origin while no token is required: only this machine, and no web page.
//!
//! A page in a browser can call a server on its user's loopback address, with a form, or with a name
//! that resolves to that address (DNS rebinding). The browser then sends that name as `Host`, and the
//! page's origin. Other clients send a loopback name and no origin.

use ip_scope::is_at_or_below;
use problem_details::Problem;
use url::{Host, Url};

use crate::http::Request;
use crate::problems;

/// Checks that the request was sent to a loopback name, and not by a page of another site.
///
/// # Errors
///
/// Returns 403, naming the header at fault.
pub fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let authority = request.authority.as_deref().unwrap_or_default();
    if !is_loopback(authority) {
        return Err(problems::foreign_host(authority));
    }
    let headers = &request.headers;
    if headers.has("origin") && !is_own(headers.single("origin"), authority) {
        return Err(problems::cross_site("Origin"));
    }
    let site = headers.single("sec-fetch-site");
    if headers.has("sec-fetch-site") && site.is_none_or(|site| site == "cross-site") {
        return Err(problems::cross_site("Sec-Fetch-Site"));
    }
    Ok(())
}

fn is_loopback(authority: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{authority}/")) else {
        return false;
    };
    // Anything else than a host and a port has been parsed as another part of the URL.
    let bare = url.path() == "/" && url.username().is_empty() && url.password().is_none();
    bare && match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => is_at_or_below(name.trim_end_matches('.'), "localhost"),
        None => false,
    }
}

/// Recognises the origin of the producer itself, called as `authority`.
fn is_own(origin: Option<&str>, authority: &str) -> bool {
    let without_scheme = |origin: &str| {
        let rest = origin.strip_prefix("http://");
        rest.or(origin.strip_prefix("https://"))
            .is_some_and(|host| host.eq_ignore_ascii_case(authority))
    };
    origin.is_some_and(without_scheme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    fn code(authority: &str, headers: &[(&str, &str)]) -> &'static str {
        let own = |(name, value): &(&str, &str)| (name.to_string(), value.as_bytes().to_vec());
        let request = Request {
            method: "POST".to_owned(),
            path: "/fire".to_owned(),
            query: None,
            authority: Some(authority.to_owned()).filter(|authority| !authority.is_empty()),
            headers: Headers::new(headers.iter().map(own).collect()),
            body: (),
        };
        check(&request)
            .err()
            .map_or("none", |problem| problem.code())
    }

    #[test]
    fn a_loopback_name_is_accepted_and_any_other_rejected() {
        for name in [
            "localhost",
            "localhost:3000",
            "LOCALHOST:3000",
            "localhost.",
            "app.localhost:3000",
            "127.0.0.1:3000",
            "127.8.9.10",
            "[::1]:3000",
        ] {
            assert_eq!(code(name, &[]), "none", "{name}");
        }
        for name in [
            "",
            "attacker.example",
            "attacker.example:3000",
            "localhost.attacker.example",
            "notlocalhost",
            "127.0.0.1.attacker.example",
            "attacker.example@localhost",
            "localhost@attacker.example",
            "attacker.example/localhost",
            "0.0.0.0:3000",
            "10.0.0.1",
            "[::]:3000",
            "localhost:port",
        ] {
            assert_eq!(code(name, &[]), "host-refused", "{name}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_rejected() {
        for header in [
            ("Origin", "http://attacker.example"),
            ("origin", "null"),
            ("Origin", ""),
            ("Origin", "http://localhost:8080"),
            ("Origin", "http://localhost:3000.attacker.example"),
            ("Sec-Fetch-Site", "cross-site"),
        ] {
            assert_eq!(
                code("localhost:3000", &[header]),
                "cross-site",
                "{header:?}"
            );
        }
        let own = ("Origin", "http://localhost:3000");
        assert_eq!(code("localhost:3000", &[own, own]), "cross-site");
        for header in [
            own,
            ("Sec-Fetch-Site", "same-origin"),
            ("Sec-Fetch-Site", "none"),
            ("Accept", "*/*"),
        ] {
            assert_eq!(code("localhost:3000", &[header]), "none", "{header:?}");
        }
    }
}
