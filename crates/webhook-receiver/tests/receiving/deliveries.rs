//! Handshakes and deliveries, as tests make them.

use webhook_receiver::{
    BodyError, Clock, Handshake, Headers, Log, Platform, Processed, Received, Refusal,
    Registration, Request, handshake,
};
use webhook_signature::{Credential, Message};

use crate::platform::{FakePlatform, FakeRequest};

pub const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
pub const OTHER: &str = "mB5kQpXz7TtYw2LcAhN4sVdRe8Gu0JfiK1oP";
pub const THIRD: &str = "Jx0oPq3Zf8WvYt5BnLcRkS2hUe7MdGi4Ta9w";

/// Creates a platform that has `KEY` and accepts every scheme.
pub fn platform() -> FakePlatform {
    let platform = FakePlatform::default();
    platform.set_variable("weakest_scheme", "plain");
    shake_hands(&platform, KEY);
    platform
}

pub fn shake_hands(platform: &FakePlatform, key: &str) {
    try_handshake(platform, key).expect("the key is stored");
}

pub fn try_handshake(platform: &FakePlatform, key: &str) -> Result<(), Refusal> {
    handshake_for(&Registration::default(), platform, key)
}

pub fn handshake_for(
    registration: &Registration,
    platform: &FakePlatform,
    key: &str,
) -> Result<(), Refusal> {
    let mut request = FakeRequest {
        method: "POST".to_owned(),
        target: "/target?handshake=true".to_owned(),
        headers: Vec::new(),
        body: Some(format!("{{\"keyData\": \"{key}\"}}").into_bytes()),
    };
    let offer = Handshake {
        registration,
        token: None,
        open: true,
    };
    handshake(offer, &mut request, platform, &mut Log::of("TEST")).map(drop)
}

/// Receives a request for the registration without a query.
pub fn receive<T>(
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
    process: impl FnOnce(webhook_receiver::Delivery<'_>, &mut Log) -> Processed<T>,
) -> Result<Received<T>, Refusal> {
    let registration = Registration::default();
    webhook_receiver::receive(request, &registration, platform, log, process)
}

/// Creates a delivery that is signed now, only in `scheme`.
pub fn signed_by(
    scheme: webhook_signature::Scheme,
    platform: &FakePlatform,
    key: &str,
    id: &str,
) -> FakeRequest {
    let message = Message {
        id,
        timestamp: platform.now(),
        body: b"{}",
    };
    let keys = [Credential::parse(key).expect("a key")];
    let headers = webhook_signature::sign(scheme, &keys, &message).expect("headers");
    let own = |(name, value): webhook_signature::Header| (name.to_owned(), value.into_bytes());
    FakeRequest {
        method: "POST".to_owned(),
        target: "/target".to_owned(),
        headers: headers.into_iter().map(own).collect(),
        body: Some(b"{}".to_vec()),
    }
}

/// A request whose body arrives after some seconds.
pub struct Slow<'a> {
    request: FakeRequest,
    platform: &'a FakePlatform,
    seconds: u64,
}

impl Request for Slow<'_> {
    fn method(&self) -> String {
        self.request.method()
    }

    fn target(&self) -> String {
        self.request.target()
    }

    fn headers(&self) -> Headers {
        self.request.headers()
    }

    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.platform.advance(self.seconds);
        self.request.body(limit)
    }
}

/// Receives a delivery of `msg_1` that is signed now with `key` and whose body arrives late.
pub fn deliver_slowly(
    platform: &FakePlatform,
    key: &str,
    seconds: u64,
    process: impl FnOnce() -> Processed<&'static str>,
) -> Result<Received<&'static str>, Refusal> {
    let mut request = Slow {
        request: signed_by(webhook_signature::Scheme::Standard, platform, key, "msg_1"),
        platform,
        seconds,
    };
    receive(&mut request, platform, &mut Log::of("TEST"), |_, _| {
        process()
    })
}

pub fn signature_code<T>(outcome: &Result<T, Refusal>) -> Option<&'static str> {
    match outcome {
        Err(Refusal::Signature { code, .. }) => Some(code),
        _ => None,
    }
}

/// Receives a delivery of `id` and processes it with `process`.
pub fn deliver(
    platform: &FakePlatform,
    id: &str,
    process: impl FnOnce() -> Processed<&'static str>,
) -> Result<Received<&'static str>, Refusal> {
    let mut request = signed_by(webhook_signature::Scheme::Standard, platform, KEY, id);
    receive(&mut request, platform, &mut Log::of("TEST"), |_, _| {
        process()
    })
}

pub fn succeed() -> Processed<&'static str> {
    Processed::Done("done")
}

pub fn fail() -> Processed<&'static str> {
    Processed::Failed("failed")
}

pub fn never() -> Processed<&'static str> {
    panic!("processed again")
}

pub const DONE: Result<Received<&str>, Refusal> = Ok(Received::Processed("done"));
pub const FAILED: Result<Received<&str>, Refusal> = Ok(Received::Processed("failed"));
pub const DUPLICATE: Result<Received<&str>, Refusal> = Ok(Received::Duplicate);
