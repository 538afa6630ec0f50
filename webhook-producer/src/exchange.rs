//! One request that has to be answered in time.

use std::time::Duration;

use futures::future::{Either, select};

use crate::outside::{CallError, Clock, Network, Outgoing, Phase};

/// Sends `outgoing`, and gives the status of the answer if it is there within `timeout`.
pub async fn exchange(
    outside: &(impl Network + Clock),
    outgoing: Outgoing,
    timeout: Duration,
) -> Result<u16, CallError> {
    let answer = Box::pin(outside.send(outgoing, timeout));
    let alarm = Box::pin(outside.sleep_until(outside.now() + timeout));
    match select(answer, alarm).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(CallError::new(
            Phase::Timeout,
            format!("no answer within {} ms", timeout.as_millis()),
        )),
    }
}
