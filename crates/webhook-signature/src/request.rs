//! The parts of a request that its signature depends on.

use crate::header::{self, HeaderName};
use crate::{Fault, Refusal, timestamp};

/// A request to verify: the headers that matter to a signature, and the raw body.
///
/// Names are compared case-insensitively. Nothing is copied, and no value is checked before a scheme
/// needs it.
///
/// ```
/// use webhook_signature::Request;
///
/// let headers = [("content-type", "text/plain"), ("x-signature", "5BDCC146")];
/// let request = Request::new(headers, b"what do ya want for nothing?");
/// ```
#[derive(Clone, Copy)]
pub struct Request<'a> {
    headers: [Occurrence<'a>; HeaderName::COUNT],
    body: &'a [u8],
}

/// The occurrences of one header.
#[derive(Clone, Copy)]
enum Occurrence<'a> {
    Absent,
    Once(&'a [u8]),
    Repeated,
}

impl<'a> Request<'a> {
    /// Creates a request with these headers, in any order, and this body.
    ///
    /// Pass a header that occurs twice as two items: joining its values would hide the repetition.
    pub fn new<'n, 'h: 'a, V>(
        headers: impl IntoIterator<Item = (&'n str, &'h V)>,
        body: &'a [u8],
    ) -> Self
    where
        V: AsRef<[u8]> + ?Sized + 'h,
    {
        let mut request = Self {
            headers: [Occurrence::Absent; HeaderName::COUNT],
            body,
        };
        for (name, value) in headers {
            request.add(name, value.as_ref());
        }
        request
    }

    fn add(&mut self, name: &str, value: &'a [u8]) {
        if let Some(name) = HeaderName::parse(name) {
            let occurrence = &mut self.headers[name as usize];
            *occurrence = match occurrence {
                Occurrence::Absent => Occurrence::Once(value),
                Occurrence::Once(_) | Occurrence::Repeated => Occurrence::Repeated,
            };
        }
    }

    /// Returns the sender's probable mistake, where the headers show more of it than `refusal` does.
    /// The text is meant for people, and contains no part of the request.
    ///
    /// ```
    /// use webhook_signature::{Credential, Freshness, Request, Scheme, verify};
    ///
    /// let keys = [Credential::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?];
    /// let headers = [("svix-id", "msg_1"), ("svix-signature", "v1,…")];
    /// let request = Request::new(headers, b"{}");
    /// let refusal = verify(&keys, &request, Freshness::at(0), Scheme::Standard).unwrap_err();
    /// assert!(request.likely_mistake(refusal).unwrap().contains("`svix-signature`"));
    /// # Ok::<(), webhook_signature::CredentialError>(())
    /// ```
    pub fn likely_mistake(&self, refusal: Refusal) -> Option<&'static str> {
        match refusal {
            Refusal::MissingHeader(_) if self.has(HeaderName::Svix) => Some(
                "the request has `svix-id`, `svix-timestamp` and `svix-signature`, which this \
                 receiver expects as `webhook-id`, `webhook-timestamp` and `webhook-signature`",
            ),
            Refusal::TooNew if self.is_in_milliseconds() => {
                Some("`webhook-timestamp` is in milliseconds, not seconds")
            }
            _ => None,
        }
    }

    fn is_in_milliseconds(&self) -> bool {
        let time = self.optional(HeaderName::StandardTimestamp).ok().flatten();
        time.is_some_and(timestamp::is_in_milliseconds)
    }

    pub(crate) fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Returns true if the header occurs at least once, with any value.
    pub(crate) fn has(&self, name: HeaderName) -> bool {
        !matches!(self.headers[name as usize], Occurrence::Absent)
    }

    /// Returns the text of a header that must be present.
    pub(crate) fn required(&self, name: HeaderName) -> Result<&'a str, Refusal> {
        self.optional(name)?
            .ok_or(Refusal::MissingHeader(name.text()))
    }

    /// Returns the text of a header that may be absent: once, not empty, bounded and printable ASCII.
    pub(crate) fn optional(&self, name: HeaderName) -> Result<Option<&'a str>, Refusal> {
        let text = match self.headers[name as usize] {
            Occurrence::Absent => return Ok(None),
            Occurrence::Once(value) => header::text(value),
            Occurrence::Repeated => Err(Fault::Repeated),
        };
        text.map(Some).map_err(|fault| name.malformed(fault))
    }
}
