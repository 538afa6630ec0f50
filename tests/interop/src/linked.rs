//! `standardwebhooks` of crates.io.

use http::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook;

use crate::judge::{Headers, Message, Request, Voice, standard_headers};
use crate::{Bodies, Form, Judge};

struct Linked;

pub fn judge() -> Judge {
    Judge {
        name: "crates.io standardwebhooks",
        form: Form::V1,
        bodies: Bodies::Text,
        signs: true,
        has_clock: true,
        voice: Box::new(Linked),
    }
}

impl Voice for Linked {
    fn sign(&self, _: Form, secret: &str, message: Message<'_>) -> Headers {
        let timestamp = message.timestamp.try_into().expect("a time of this age");
        let signature = webhook(secret)
            .sign(message.id, timestamp, message.body)
            .expect("a body of text");
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
