//! The handshake: does whoever answers at this URL want our webhooks, and does it take this key?

use std::rc::Rc;
use std::time::Duration;

use problem_details::Problem;
use serde::Serialize;

use crate::consumer_url::ConsumerUrl;
use crate::exchange::exchange;
use crate::key::SigningKey;
use crate::outside::{CallError, Clock, Log, Network, Outgoing, Phase, Verb};
use crate::problems;

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "keyData")]
    key_data: &'a str,
}

/// Sends the key to the consumer, and returns when it answered with a 2xx within `timeout`.
///
/// # Errors
///
/// 502 when it answered anything else, did not answer in time, or could not be reached.
pub async fn shake_hands(
    outside: &(impl Network + Clock + Log),
    url: &ConsumerUrl,
    key: &SigningKey,
    timeout: Duration,
) -> Result<(), Problem> {
    outside.log(&format!(
        "PRODUCER: Invoking CONSUMER {} for verification (handshake) along with random key data \
         (fingerprint {})",
        url.for_log(),
        key.fingerprint()
    ));
    let outcome = judge(call(outside, url, key, timeout).await);
    match &outcome {
        Ok(()) => outside.log("PRODUCER: Handshake with CONSUMER was successful."),
        Err(problem) => outside.log(&format!("PRODUCER: Handshake failed: {problem}")),
    }
    outcome
}

async fn call(
    outside: &(impl Network + Clock),
    url: &ConsumerUrl,
    key: &SigningKey,
    timeout: Duration,
) -> Result<u16, CallError> {
    let body = Body {
        key_data: key.text(),
    };
    let body = serde_json::to_vec(&body)
        .map_err(|_| CallError::new(Phase::Plan, "the body could not be written"))?;
    let outgoing = Outgoing {
        method: Verb::Post,
        url: url.with_handshake(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Rc::from(body),
    };
    exchange(outside, outgoing, timeout).await
}

fn judge(result: Result<u16, CallError>) -> Result<(), Problem> {
    match result {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(problems::handshake_refused(status)),
        Err(error) if error.phase == Phase::Timeout => {
            Err(problems::handshake_timeout(&error.reason))
        }
        Err(error) => Err(problems::consumer_unreachable(&error.to_string())),
    }
}
