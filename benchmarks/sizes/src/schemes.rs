//! Verification and signing of a request with each selected scheme.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Component;
use crate::world::{Guest, Request};

impl Guest for Component {
    #[allow(unused_mut, reason = "the frame alone changes neither")]
    fn run(request: Request) -> (bool, Vec<String>) {
        let mut holds = !request.body.is_empty();
        let mut tags = Vec::new();
        #[cfg(feature = "plain")]
        plain(&request, &mut holds, &mut tags);
        #[cfg(feature = "wss")]
        wss(&request, &mut holds, &mut tags);
        #[cfg(feature = "standard")]
        standard(&request, &mut holds, &mut tags);
        (holds, tags)
    }
}

#[cfg(any(feature = "wss", feature = "standard"))]
fn read(request: &Request) -> webhook_signature::Request<'_> {
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    webhook_signature::Request::new(headers, &request.body)
}

#[cfg(feature = "plain")]
fn plain(request: &Request, holds: &mut bool, tags: &mut Vec<String>) {
    use webhook_signature::plain;
    let key = webhook_signature::Key::from_text(request.key.as_str());
    let tag = request.headers.first().map(|(_, value)| value.as_bytes());
    *holds &= plain::verify([&key], &request.body, tag).is_ok();
    tags.push(plain::sign(&key, &request.body));
}

#[cfg(feature = "wss")]
fn wss(request: &Request, holds: &mut bool, tags: &mut Vec<String>) {
    use webhook_signature::{Freshness, wss};
    let key = webhook_signature::Key::from_text(request.key.as_str());
    *holds &= wss::verify([&key], &read(request), Freshness::at(request.now)).is_ok();
    let time = request.headers.last().map_or("", |(_, value)| value);
    tags.extend(wss::sign(&key, time, &request.body));
}

#[cfg(feature = "standard")]
fn standard(request: &Request, holds: &mut bool, tags: &mut Vec<String>) {
    use webhook_signature::{Credential, Freshness, Message, standard};
    let Ok(key) = Credential::parse(request.key.as_str()) else {
        return;
    };
    *holds &= standard::verify([&key], &read(request), Freshness::at(request.now)).is_ok();
    let message = Message {
        id: request.headers.last().map_or("", |(_, value)| value),
        timestamp: request.now,
        body: &request.body,
    };
    tags.extend(standard::sign([&key], &message));
}
