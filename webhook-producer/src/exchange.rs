//! One call with a time limit.

use std::time::Duration;

use futures::future::{Either, select};

use crate::platform::{CallError, Clock, Network, Outgoing, Phase};

/// Sends `outgoing`, and returns the status of the response if it arrives within `timeout`.
pub async fn exchange(
    platform: &(impl Network + Clock),
    outgoing: Outgoing,
    timeout: Duration,
) -> Result<u16, CallError> {
    let response = Box::pin(platform.send(outgoing, timeout));
    let alarm = Box::pin(platform.sleep_until(platform.now() + timeout));
    match select(response, alarm).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(CallError::new(
            Phase::Timeout,
            format!("no response within {} ms", timeout.as_millis()),
        )),
    }
}
