//! Every problem the producer answers with, so that the codes stand in one place.

use problem_details::Problem;

/// 400: the body is not JSON.
pub fn broken_json(reason: &str) -> Problem {
    Problem::new(400, "broken-json", "The body is not valid JSON").detail(reason)
}

/// 400: the body is JSON, but not an object.
pub fn not_an_object() -> Problem {
    Problem::new(400, "not-an-object", "The body is not a JSON object")
}

/// 400: the object has a member nobody knows.
pub fn unknown_field(name: &str, known: &[&str]) -> Problem {
    let known = known.join("`, `");
    Problem::new(400, "unknown-field", "The body has an unknown field").detail(format!(
        "unknown field {}; the fields are `{known}`",
        quote(name)
    ))
}

/// 400: the object has a member twice.
pub fn duplicate_field(name: &str) -> Problem {
    Problem::new(400, "duplicate-field", "The body has a field twice")
        .detail(format!("field {} is there twice", quote(name)))
}

/// 400: a member that is needed is not there.
pub fn missing_field(name: &str) -> Problem {
    Problem::new(400, "missing-field", "The body lacks a field")
        .detail(format!("field `{name}` is missing"))
}

/// 400: a member is not of the type it has to be.
pub fn bad_field(name: &str, expected: &str) -> Problem {
    Problem::new(400, "bad-field", "A field has the wrong type")
        .detail(format!("field `{name}` is not {expected}"))
}

/// 400: an event's name or pattern is not well formed.
pub fn bad_event(reason: &str) -> Problem {
    Problem::new(400, "bad-event", "The event is not well formed").detail(reason)
}

/// 400: events go to a stream, and the body names none.
pub fn event_required() -> Problem {
    Problem::new(400, "event-required", "The firing needs an event").detail(
        "with `stream_url` set, who gets an event is decided by its type: \
         send a body with `event` and `data`",
    )
}

/// 400: a consumer's URL is not one we can call.
pub fn bad_url(reason: &str) -> Problem {
    Problem::new(400, "bad-url", "The URL cannot be a consumer's").detail(reason)
}

/// 400: a consumer's URL is on a host that is never called, or not without leave.
pub fn refused_host(reason: &str) -> Problem {
    Problem::new(400, "refused-host", "The URL's host is refused").detail(reason)
}

/// 400: the query says something the route does not know.
pub fn bad_query(reason: &str) -> Problem {
    Problem::new(400, "bad-query", "The query is not understood").detail(reason)
}

/// 400: the connection broke before the whole body was there.
pub fn unreadable_body() -> Problem {
    Problem::new(400, "unreadable-body", "The body could not be read")
}

/// 401: the bearer token is missing or wrong.
pub fn unauthorized() -> Problem {
    Problem::new(401, "unauthorized", "A bearer token is required")
        .detail("send `Authorization: Bearer` with the value of the variable `api_token`")
}

/// 403: without a token, only loopback names are served.
pub fn foreign_host(authority: &str) -> Problem {
    Problem::new(
        403,
        "host-refused",
        "The producer is not served by this name",
    )
    .detail(format!(
        "`Host` is {}, and while the variable `api_token` is empty it has to be a loopback name",
        quote(authority)
    ))
}

/// 403: without a token, pages of other sites are refused.
pub fn cross_site(header: &str) -> Problem {
    Problem::new(403, "cross-site", "Pages of other sites are refused").detail(format!(
        "`{header}` names another site; set the variable `api_token` to serve clients elsewhere"
    ))
}

/// 404: nothing has this path.
pub fn not_found() -> Problem {
    Problem::new(404, "not-found", "Nothing is served at this path")
}

/// 405: the path is there, the method is not.
pub fn method_not_allowed(allowed: &str) -> Problem {
    Problem::new(405, "method-not-allowed", "The method is not allowed here")
        .detail(format!("allowed here: {allowed}"))
}

/// 409: somebody else registered the same URL at the same time.
pub fn registration_conflict() -> Problem {
    Problem::new(
        409,
        "registration-conflict",
        "The URL was registered meanwhile",
    )
    .detail("another registration of the same URL ended first; register again to get a valid key")
}

/// 408: the body takes too long to arrive.
pub fn body_too_slow(seconds: u64) -> Problem {
    Problem::new(408, "body-too-slow", "The body took too long to arrive")
        .detail(format!("it did not arrive within {seconds} s"))
}

/// 413: the body is larger than `limit` bytes.
pub fn body_too_large(limit: usize) -> Problem {
    Problem::new(413, "body-too-large", "The body is too large")
        .detail(format!("at most {limit} bytes are read"))
}

/// 415: the body is not declared to be JSON.
pub fn unsupported_media_type() -> Problem {
    Problem::new(415, "unsupported-media-type", "The body has to be JSON")
        .detail("send `Content-Type: application/json`")
}

/// 500: something that cannot happen did.
pub fn internal() -> Problem {
    Problem::new(500, "internal", "The producer failed")
}

/// 500: a variable has a value that means nothing.
pub fn bad_configuration(name: &str, reason: &str) -> Problem {
    Problem::new(500, "bad-configuration", "The app is misconfigured")
        .detail(format!("variable `{name}`: {reason}"))
}

/// 502: the consumer answered the handshake, but not with a 2xx.
pub fn handshake_refused(status: u16) -> Problem {
    Problem::new(
        502,
        "handshake-refused",
        "The consumer refused the handshake",
    )
    .detail(format!("the consumer answered {status}"))
}

/// 502: the consumer did not answer the handshake in time.
pub fn handshake_timeout(reason: &str) -> Problem {
    Problem::new(
        502,
        "handshake-timeout",
        "The consumer did not answer the handshake",
    )
    .detail(reason)
}

/// 502: the handshake did not get through to the consumer.
pub fn consumer_unreachable(reason: &str) -> Problem {
    Problem::new(
        502,
        "consumer-unreachable",
        "The consumer could not be reached",
    )
    .detail(reason)
}

/// 502: the sender's API answered, but not as it should.
pub fn sender_refused(status: u16) -> Problem {
    Problem::new(502, "sender-refused", "The sender refused").detail(format!(
        "the API at `sender_url` answered {status}; see its log, `sender_token` and `tenant`"
    ))
}

/// 502: the sender's API did not answer.
pub fn sender_unreachable(reason: &str) -> Problem {
    Problem::new(502, "sender-unreachable", "The sender could not be reached").detail(reason)
}

/// 503: the stream does not take the event, or does not answer.
pub fn stream_unavailable() -> Problem {
    Problem::new(503, "stream-unavailable", "The stream is not available")
        .detail("the Redis server at `stream_url` does not answer, or refuses; nothing was fired")
}

/// 503: the registrations cannot be read or written.
pub fn store_unavailable() -> Problem {
    Problem::new(
        503,
        "store-unavailable",
        "The registrations are not available",
    )
    .detail("the database does not answer; the log has its reason")
}

/// 503: nobody has made the table.
pub fn store_without_table() -> Problem {
    Problem::new(
        503,
        "store-unavailable",
        "The registrations are not available",
    )
    .detail("the table is missing: apply `migrations.sql` to the database: `spin up --sqlite @migrations.sql`")
}

/// 503: the table is there, and is not the one that `migrations.sql` makes.
pub fn store_structure() -> Problem {
    Problem::new(
        503,
        "store-structure",
        "The table of registrations has another structure",
    )
    .detail(
        "the table `webhook_registrations` was made by something else than this version's \
         `migrations.sql`; the log names what is missing",
    )
}

/// Text from outside, in backticks and cut to a length that fits a message.
pub fn quote(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_quotation_is_cut_between_characters() {
        assert_eq!(quote("short"), "`short`");
        assert_eq!(quote(&"ä".repeat(1000)), format!("`{}…`", "ä".repeat(80)));
    }
}
