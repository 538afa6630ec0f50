//! The component's interface for signing, as a [`Signer`].

use super::Spin;
use super::bindings::sign::{self, Scheme};
use crate::key::SigningKey;
use crate::platform::{Message, Signer};

/// All schemes are requested in one call, so that the body is copied into the component once.
const SCHEMES: [Scheme; 3] = [Scheme::Plain, Scheme::Wss, Scheme::Standard];

impl Signer for Spin {
    fn sign(
        &self,
        message: &Message<'_>,
        key: &SigningKey,
    ) -> Result<Vec<(String, String)>, String> {
        let message = sign::MessageParam {
            id: message.id,
            timestamp: message.timestamp,
            body: message.body,
        };
        let headers =
            sign::sign(&SCHEMES, &[key.text()], message).map_err(|error| error.to_string())?;
        headers.into_iter().map(text).collect()
    }
}

fn text((name, value): (String, Vec<u8>)) -> Result<(String, String), String> {
    match String::from_utf8(value) {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(format!("the value of `{name}` is not text")),
    }
}
