//! The request of one attempt.

use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

/// A request. `Host` and `Content-Length` are added to its headers.
#[derive(Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// A URL that [`check_url`](super::check_url) returned.
    pub url: &'a Url,
    /// The key among which name lookups are divided fairly: the tenant.
    pub fairness_key: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    /// Sent byte for byte.
    pub body: &'a Bytes,
    /// The number of bytes of the response's body to keep, at most
    /// [`MAX_BODY_BYTES`](super::MAX_BODY_BYTES).
    pub keep_response: usize,
    /// The time by which the response has to be read.
    pub deadline: Instant,
}
