//! Signed requests for the tests.

use test_support::Request;
use webhook_signature::{Credential, Header, Message, Scheme, sign};

pub const NOW: u64 = 1_614_265_330;
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const BODY: &[u8] = b"{\"event\": \"order.shipped\"}";

pub fn keys(texts: &[&str]) -> Vec<Credential> {
    let parsed = texts.iter().map(|text| Credential::parse(*text));
    parsed.collect::<Result<_, _>>().expect("valid credentials")
}

pub fn headers(scheme: Scheme, id: &str, body: &[u8]) -> Vec<Header> {
    let message = Message {
        id,
        timestamp: NOW,
        body,
    };
    sign(scheme, &keys(&[SECRET]), &message).expect("signed")
}

/// Creates a `standard` request with this id.
pub fn signed(url: &str, id: &str) -> Request {
    with_headers(url, headers(Scheme::Standard, id, BODY)).body(BODY)
}

pub fn with_headers(url: &str, headers: Vec<Header>) -> Request {
    let request = Request::post(url);
    headers.iter().fold(request, |request, (name, value)| {
        request.header(name, value)
    })
}
