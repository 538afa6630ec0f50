//! The headers of every response under `/ui`.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// A page may load the embedded files and call its own origin, and nothing else. Pico's icons are
/// `data:` images in its stylesheet. A frame is allowed as `frame-ancestors`, which follows, says.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'";

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The values of `Content-Security-Policy`.
#[derive(Clone)]
pub struct FramePolicy {
    /// For pages that nobody may frame.
    unframed: HeaderValue,
    /// For the portal, which `embed_origins` may frame.
    portal: HeaderValue,
}

impl FramePolicy {
    /// Takes the origins that the configuration has checked.
    pub fn new(embed_origins: &[String]) -> Self {
        let none = "'none'".to_owned();
        let policy = |ancestors: &str| {
            let text = format!("{POLICY}; frame-ancestors {ancestors}");
            // An invalid value would be a defect of the check; nobody may frame the pages then.
            HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("default-src 'none'"))
        };
        let ancestors = match embed_origins {
            [] => none.clone(),
            origins => origins.join(" "),
        };
        Self {
            unframed: policy(&none),
            portal: policy(&ancestors),
        }
    }
}

/// Adds the headers to every response, also to errors.
pub async fn add(State(frames): State<FramePolicy>, request: Request, next: Next) -> Response {
    let policy = match is_of_portal(request.uri().path()) {
        true => frames.portal,
        false => frames.unframed,
    };
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (
            PERMISSIONS,
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
        (OPENER, "same-origin"),
        (RESOURCE, "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Embedded files have set their own; everything else may show what only its reader may see.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Returns `true` for the addresses of portals, with or without the prefix of all pages.
fn is_of_portal(path: &str) -> bool {
    let path = path.strip_prefix("/ui").unwrap_or(path);
    path.strip_prefix("/portal")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_portals_may_be_framed() {
        for path in ["/ui/portal", "/ui/portal/x/events", "/portal/x"] {
            assert!(is_of_portal(path), "{path}");
        }
        for path in [
            "/ui/portals",
            "/ui/t/portal",
            "/ui/",
            "/ui/t/acme/portal-links",
        ] {
            assert!(!is_of_portal(path), "{path}");
        }
    }

    #[test]
    fn only_the_configured_origins_may_frame_the_portal() {
        let origins = [
            "https://a.example".to_owned(),
            "https://b.example".to_owned(),
        ];
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let policy = FramePolicy::new(&origins);
        assert!(
            text(&policy.portal).ends_with("frame-ancestors https://a.example https://b.example")
        );
        assert!(text(&policy.unframed).ends_with("frame-ancestors 'none'"));
        let none = FramePolicy::new(&[]);
        assert!(text(&none.portal).ends_with("frame-ancestors 'none'"));
    }
}
