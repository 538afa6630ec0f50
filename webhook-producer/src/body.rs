//! Reading of a request's complete body, up to one mebibyte and within thirty seconds, regardless of
//! its headers.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use futures::{Stream, StreamExt};
use problem_details::Problem;

use crate::http::{Headers, Request};
use crate::platform::Clock;
use crate::problems;

/// The maximum size of a body in bytes.
pub const LIMIT: usize = 1024 * 1024;

/// The time limit for a body to arrive.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The chunks of a body. The error is the host's message.
pub trait Chunks: Stream<Item = Result<Vec<u8>, String>> {}

impl<T: Stream<Item = Result<Vec<u8>, String>>> Chunks for T {}

/// Reads the complete body of a request that requires one.
///
/// # Errors
///
/// Returns 415 if it is not declared as JSON, 413 if it is too large, 400 if it is incomplete, and 408
/// if it takes too long.
pub async fn read_json(
    clock: &impl Clock,
    request: Request<impl Chunks>,
) -> Result<Vec<u8>, Problem> {
    if !declares_json(&request) {
        return Err(problems::unsupported_media_type());
    }
    read(clock, request).await
}

/// Reads the complete body of a request with an optional body. An empty body is `None`, whatever its
/// declared type.
///
/// # Errors
///
/// Returns the errors of [`read_json`].
pub async fn read_optional_json(
    clock: &impl Clock,
    request: Request<impl Chunks>,
) -> Result<Option<Vec<u8>>, Problem> {
    let is_json = declares_json(&request);
    let body = read(clock, request).await?;
    match (body.is_empty(), is_json) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(body)),
        (false, false) => Err(problems::unsupported_media_type()),
    }
}

/// Reads a body of any type.
///
/// # Errors
///
/// Returns the errors of [`read_json`], except for 415.
pub async fn read(clock: &impl Clock, request: Request<impl Chunks>) -> Result<Vec<u8>, Problem> {
    let declared = declared_length(&request.headers);
    if declared.is_some_and(|length| length > LIMIT as u64) {
        return Err(problems::body_too_large(LIMIT));
    }
    let whole = pin!(collect(request.body));
    let timeout = pin!(clock.sleep_until(clock.now() + TIMEOUT));
    let body = match select(whole, timeout).await {
        Either::Left((body, _)) => body?,
        Either::Right(_) => return Err(problems::body_too_slow(TIMEOUT.as_secs())),
    };
    // Hosts differ in how they report an incomplete body. The declared length does not depend on them.
    if declared.is_none_or(|length| length == body.len() as u64) {
        Ok(body)
    } else {
        Err(problems::unreadable_body())
    }
}

/// Returns the declared length, so that a body that is too large need not be read.
fn declared_length(headers: &Headers) -> Option<u64> {
    headers.single("content-length")?.parse().ok()
}

async fn collect(chunks: impl Chunks) -> Result<Vec<u8>, Problem> {
    let mut chunks = pin!(chunks);
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| problems::unreadable_body())?;
        if chunk.len() > LIMIT - body.len() {
            return Err(problems::body_too_large(LIMIT));
        }
        body.extend(chunk);
    }
    Ok(body)
}

/// Returns true if the media type is `application/json`, ignoring parameters.
fn declares_json<B>(request: &Request<B>) -> bool {
    let Some(declared) = request.headers.single("content-type") else {
        return false;
    };
    let essence = declared.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;
    use futures::executor::block_on;
    use futures::stream;

    type Chunk = Result<Vec<u8>, String>;

    /// A clock that never advances.
    struct Waiting;

    /// A clock whose deadlines have all passed.
    struct Elapsed;

    impl Clock for Waiting {
        fn now(&self) -> Duration {
            Duration::ZERO
        }

        fn unix_seconds(&self) -> u64 {
            0
        }

        async fn sleep_until(&self, _: Duration) {
            std::future::pending().await
        }
    }

    impl Clock for Elapsed {
        fn now(&self) -> Duration {
            Duration::ZERO
        }

        fn unix_seconds(&self) -> u64 {
            0
        }

        async fn sleep_until(&self, _: Duration) {}
    }

    fn request(headers: &[(&str, &str)], chunks: Vec<Chunk>) -> Request<impl Chunks> {
        let own = |(name, value): &(&str, &str)| (name.to_string(), value.as_bytes().to_vec());
        Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: None,
            authority: None,
            headers: Headers::new(headers.iter().map(own).collect()),
            body: stream::iter(chunks),
        }
    }

    fn json(chunks: Vec<Chunk>) -> Request<impl Chunks> {
        request(&[("content-type", "application/json")], chunks)
    }

    fn code<T>(result: Result<T, Problem>) -> &'static str {
        result.err().expect("a problem").code()
    }

    #[test]
    fn chunks_are_concatenated() {
        let read = block_on(read_json(
            &Waiting,
            json(vec![Ok(b"{".into()), Ok(b"}".into())]),
        ));
        assert_eq!(read.unwrap(), b"{}");
    }

    #[test]
    fn a_body_of_exactly_the_limit_is_read() {
        let chunks = vec![Ok(vec![b' '; LIMIT - 1]), Ok(vec![b' '; 1])];
        assert_eq!(
            block_on(read_json(&Waiting, json(chunks))).unwrap().len(),
            LIMIT
        );
    }

    #[test]
    fn one_byte_more_than_the_limit_is_rejected() {
        let chunks = vec![Ok(vec![b' '; LIMIT]), Ok(vec![b' '; 1])];
        assert_eq!(
            code(block_on(read_json(&Waiting, json(chunks)))),
            "body-too-large"
        );
    }

    #[test]
    fn an_endless_body_is_rejected_at_the_limit() {
        let endless = stream::repeat_with(|| Ok(vec![0; 65536]));
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: None,
            authority: None,
            headers: Headers::default(),
            body: endless,
        };
        assert_eq!(code(block_on(read(&Waiting, request))), "body-too-large");
    }

    #[test]
    fn a_declared_length_below_the_actual_one_does_not_bypass_the_limit() {
        let headers = [
            ("content-type", "application/json"),
            ("content-length", "2"),
        ];
        let chunks = vec![Ok(vec![b' '; LIMIT + 1])];
        let result = block_on(read_json(&Waiting, request(&headers, chunks)));
        assert_eq!(code(result), "body-too-large");
    }

    #[test]
    fn a_declared_length_over_the_limit_is_rejected_without_reading() {
        let headers = [
            ("content-type", "application/json"),
            ("content-length", "1048577"),
        ];
        let chunks = vec![Err("read".to_owned())];
        let result = block_on(read_json(&Waiting, request(&headers, chunks)));
        assert_eq!(code(result), "body-too-large");
    }

    #[test]
    fn an_incomplete_body_is_rejected() {
        let chunks = vec![Ok(b"{}".into()), Err("reset".to_owned())];
        assert_eq!(
            code(block_on(read_json(&Waiting, json(chunks)))),
            "unreadable-body"
        );
    }

    #[test]
    fn a_body_shorter_than_its_declared_length_is_rejected() {
        for length in ["3", "1"] {
            let headers = [
                ("content-type", "application/json"),
                ("content-length", length),
            ];
            let result = block_on(read_json(
                &Waiting,
                request(&headers, vec![Ok(b"{}".into())]),
            ));
            assert_eq!(code(result), "unreadable-body", "{length}");
        }
    }

    #[test]
    fn a_body_that_does_not_end_times_out() {
        let Request { headers, .. } = json(Vec::new());
        let request = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: None,
            authority: None,
            headers,
            body: stream::iter([Ok(b"{".to_vec())]).chain(stream::pending()),
        };
        assert_eq!(
            code(block_on(read_json(&Elapsed, request))),
            "body-too-slow"
        );
    }

    #[test]
    fn only_application_json_is_json() {
        let cases = [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=utf-8"), true),
            (Some("application/jsonx"), false),
            (Some("text/plain"), false),
            (Some("text/plain, application/json"), false),
            (Some(""), false),
            (None, false),
        ];
        for (declared, expected) in cases {
            let headers: Vec<_> = declared.map(|d| ("content-type", d)).into_iter().collect();
            assert_eq!(
                declares_json(&request(&headers, Vec::new())),
                expected,
                "{declared:?}"
            );
        }
    }

    #[test]
    fn an_empty_optional_body_is_none_regardless_of_its_type() {
        let plain = [("content-type", "text/plain")];
        let empty = block_on(read_optional_json(
            &Waiting,
            request(&plain, vec![Ok(Vec::new())]),
        ));
        assert_eq!(empty.unwrap(), None);
        let text = block_on(read_optional_json(
            &Waiting,
            request(&plain, vec![Ok(b"{}".into())]),
        ));
        assert_eq!(code(text), "unsupported-media-type");
    }
}
