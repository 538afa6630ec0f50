//! The handshake: sends a new key to a consumer, which accepts or rejects it.

use std::rc::Rc;
use std::time::Duration;

use problem_details::Problem;
use serde::Serialize;

use crate::consumer_url::ConsumerUrl;
use crate::exchange::exchange;
use crate::key::SigningKey;
use crate::platform::{CallError, Clock, Log, Method, Network, Outgoing, Phase};
use crate::problems;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "keyData")]
    key_data: &'a str,
}

/// Sends the key to the consumer, and returns once it has responded with a 2xx within `timeout`.
///
/// # Errors
///
/// Returns 502 for any other status, for no response in time, and if the consumer is unreachable.
pub async fn shake_hands(
    platform: &(impl Network + Clock + Log),
    url: &ConsumerUrl,
    key: &SigningKey,
    timeout: Duration,
) -> Result<(), Problem> {
    platform.log(&format!(
        "PRODUCER: Invoking CONSUMER {} for verification (handshake) along with random key data \
         (fingerprint {})",
        url.for_log(),
        key.fingerprint()
    ));
    let outcome = check(call(platform, url, key, timeout).await);
    match &outcome {
        Ok(()) => platform.log("PRODUCER: Handshake with CONSUMER was successful."),
        Err(problem) => platform.log(&format!("PRODUCER: Handshake failed: {problem}")),
    }
    outcome
}

async fn call(
    platform: &(impl Network + Clock),
    url: &ConsumerUrl,
    key: &SigningKey,
    timeout: Duration,
) -> Result<u16, CallError> {
    let body = Body {
        key_data: key.text(),
    };
    let body = serde_json::to_vec(&body)
        .map_err(|_| CallError::new(Phase::Plan, "the body could not be serialized"))?;
    let outgoing = Outgoing {
        method: Method::Post,
        url: url.with_handshake(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Rc::from(body),
    };
    exchange(platform, outgoing, timeout).await
}

fn check(result: Result<u16, CallError>) -> Result<(), Problem> {
    match result {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(problems::handshake_refused(status)),
        Err(error) if error.phase == Phase::Timeout => {
            Err(problems::handshake_timeout(&error.reason))
        }
        Err(error) => Err(problems::consumer_unreachable(&error.to_string())),
    }
}
