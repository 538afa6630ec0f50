//! Every problem that the producer responds with.

use problem_details::Problem;

/// 400: the body is not JSON.
pub fn broken_json(reason: &str) -> Problem {
    Problem::new(400, "broken-json", "The body is not valid JSON").detail(reason)
}

/// 400: the body is JSON, but not an object.
pub fn not_an_object() -> Problem {
    Problem::new(400, "not-an-object", "The body is not a JSON object")
}

/// 400: the object has an unknown member.
pub fn unknown_field(name: &str, known: &[&str]) -> Problem {
    let known = known.join("`, `");
    Problem::new(400, "unknown-field", "The body has an unknown field").detail(format!(
        "unknown field {}; the fields are `{known}`",
        quote(name)
    ))
}

/// 400: the object has a duplicate member.
pub fn duplicate_field(name: &str) -> Problem {
    Problem::new(400, "duplicate-field", "The body has a duplicate field")
        .detail(format!("field {} occurs more than once", quote(name)))
}

/// 400: a required member is missing.
pub fn missing_field(name: &str) -> Problem {
    Problem::new(400, "missing-field", "A field is missing")
        .detail(format!("field `{name}` is missing"))
}

/// 400: a member has the wrong type.
pub fn bad_field(name: &str, expected: &str) -> Problem {
    Problem::new(400, "bad-field", "A field has the wrong type")
        .detail(format!("field `{name}` is not {expected}"))
}

/// 400: an event's name or pattern is malformed.
pub fn bad_event(reason: &str) -> Problem {
    Problem::new(400, "bad-event", "The event is malformed").detail(reason)
}

/// 400: events go to a stream, and the body has none.
pub fn event_required() -> Problem {
    Problem::new(400, "event-required", "An event is required").detail(
        "with `stream_url` set, consumers are selected by the type of the event: \
         send a body with `event` and `data`",
    )
}

/// 400: a consumer's URL is invalid.
pub fn bad_url(reason: &str) -> Problem {
    Problem::new(400, "bad-url", "The URL is invalid").detail(reason)
}

/// 400: a consumer's URL is on a host that is never called, or only with a setting.
pub fn refused_host(reason: &str) -> Problem {
    Problem::new(400, "refused-host", "The URL's host is not allowed").detail(reason)
}

/// 400: the query has a parameter that the route does not know.
pub fn bad_query(reason: &str) -> Problem {
    Problem::new(400, "bad-query", "The query is invalid").detail(reason)
}

/// 400: the connection failed before the end of the body.
pub fn unreadable_body() -> Problem {
    Problem::new(400, "unreadable-body", "The body is incomplete")
}

/// 401: the bearer token is missing or wrong.
pub fn unauthorized() -> Problem {
    Problem::new(401, "unauthorized", "A bearer token is required")
        .detail("send `Authorization: Bearer` with the value of the variable `api_token`")
}

/// 403: without a token, only loopback names are served.
pub fn foreign_host(authority: &str) -> Problem {
    Problem::new(403, "host-refused", "The host name is not allowed").detail(format!(
        "`Host` is {}; while the variable `api_token` is empty, it must be a loopback name",
        quote(authority)
    ))
}

/// 403: without a token, pages of other sites are refused.
pub fn cross_site(header: &str) -> Problem {
    Problem::new(403, "cross-site", "Pages of other sites are refused").detail(format!(
        "`{header}` names another site; set the variable `api_token` to serve clients elsewhere"
    ))
}

/// 404: no resource has this path.
pub fn not_found() -> Problem {
    Problem::new(404, "not-found", "Resource not found")
}

/// 405: the path exists, but does not allow the method.
pub fn method_not_allowed(allowed: &str) -> Problem {
    Problem::new(405, "method-not-allowed", "Method not allowed")
        .detail(format!("allowed: {allowed}"))
}

/// 409: the same URL was registered concurrently.
pub fn registration_conflict() -> Problem {
    Problem::new(
        409,
        "registration-conflict",
        "The URL was registered concurrently",
    )
    .detail(
        "another registration of the same URL finished first; register again to get a valid key",
    )
}

/// 408: the body takes too long to arrive.
pub fn body_too_slow(seconds: u64) -> Problem {
    Problem::new(408, "body-too-slow", "The body took too long to arrive")
        .detail(format!("it did not arrive within {seconds} s"))
}

/// 413: the body has more than `limit` bytes.
pub fn body_too_large(limit: usize) -> Problem {
    Problem::new(413, "body-too-large", "The body is too large")
        .detail(format!("at most {limit} bytes are accepted"))
}

/// 415: the body is not declared as JSON.
pub fn unsupported_media_type() -> Problem {
    Problem::new(415, "unsupported-media-type", "The body must be JSON")
        .detail("send `Content-Type: application/json`")
}

/// 500: an internal error.
pub fn internal() -> Problem {
    Problem::new(500, "internal", "The producer failed")
}

/// 500: a variable has an invalid value.
pub fn bad_configuration(name: &str, reason: &str) -> Problem {
    Problem::new(500, "bad-configuration", "The app is misconfigured")
        .detail(format!("variable `{name}`: {reason}"))
}

/// 502: the consumer responded to the handshake with another status than 2xx.
pub fn handshake_refused(status: u16) -> Problem {
    Problem::new(
        502,
        "handshake-refused",
        "The consumer rejected the handshake",
    )
    .detail(format!("the consumer responded with {status}"))
}

/// 502: the consumer did not respond to the handshake in time.
pub fn handshake_timeout(reason: &str) -> Problem {
    Problem::new(
        502,
        "handshake-timeout",
        "The consumer did not respond to the handshake",
    )
    .detail(reason)
}

/// 502: the consumer is unreachable.
pub fn consumer_unreachable(reason: &str) -> Problem {
    Problem::new(502, "consumer-unreachable", "The consumer is unreachable").detail(reason)
}

/// 502: the sender's API responded with an unexpected status.
pub fn sender_refused(status: u16) -> Problem {
    Problem::new(502, "sender-refused", "The sender rejected the request").detail(format!(
        "the API at `sender_url` responded with {status}; see its log, `sender_token` and `tenant`"
    ))
}

/// 502: the sender's API did not respond.
pub fn sender_unreachable(reason: &str) -> Problem {
    Problem::new(502, "sender-unreachable", "The sender is unreachable").detail(reason)
}

/// 503: the stream is unavailable or rejected the event.
pub fn stream_unavailable() -> Problem {
    Problem::new(503, "stream-unavailable", "The stream is unavailable")
        .detail("the Redis server at `stream_url` failed or did not respond; nothing was fired")
}

/// 503: the registrations cannot be read or written.
pub fn store_unavailable() -> Problem {
    Problem::new(
        503,
        "store-unavailable",
        "The registrations are unavailable",
    )
    .detail("the database failed; see the log")
}

/// 503: the table does not exist. `repair` is the advice of the store.
pub fn store_without_table(repair: &str) -> Problem {
    Problem::new(
        503,
        "store-unavailable",
        "The registrations are unavailable",
    )
    .detail(format!("the table is missing: {repair}"))
}

/// 503: the table differs from the one that this version creates. `repair` is the advice of the
/// store.
pub fn store_structure(repair: &str) -> Problem {
    Problem::new(
        503,
        "store-structure",
        "The registrations have an unknown structure",
    )
    .detail(format!(
        "this version did not create them, and the log names the part at fault: {repair}"
    ))
}

/// Quotes external text in backticks, shortened for a message.
pub fn quote(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(quote("short"), "`short`");
        assert_eq!(quote(&"ä".repeat(1000)), format!("`{}…`", "ä".repeat(80)));
    }
}
