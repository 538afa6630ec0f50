//! The crate `standardwebhooks`.

use http::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook;

use crate::reference::{Backend, Headers, Message, Request, standard_headers};
use crate::{Bodies, Form, Reference};

struct Linked;

pub fn reference() -> Reference {
    Reference {
        name: "crates.io standardwebhooks",
        form: Form::V1,
        bodies: Bodies::Text,
        signs: true,
        has_clock: true,
        backend: Box::new(Linked),
    }
}

impl Backend for Linked {
    fn sign(&self, _: Form, secret: &str, message: Message<'_>) -> Headers {
        let timestamp = message.timestamp.try_into().expect("a current timestamp");
        let signature = webhook(secret)
            .sign(message.id, timestamp, message.body)
            .expect("a body in UTF-8");
        standard_headers(message, signature)
    }

    fn verify(&self, _: Form, secret: &str, request: &Request) -> bool {
        let headers: HeaderMap = request
            .headers
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().expect("a header's name");
                let value = HeaderValue::from_str(value).expect("a header's value");
                (name, value)
            })
            .collect();
        webhook(secret).verify(&request.body, &headers).is_ok()
    }
}

fn webhook(secret: &str) -> Webhook {
    Webhook::new(secret).expect("a secret in base64")
}
