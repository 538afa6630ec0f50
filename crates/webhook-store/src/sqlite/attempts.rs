//! The attempts of a delivery: JSON objects with a comma between them, and apart from them the records
//! of their requests and responses, which lists do not read.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use webhook_model::{Attempt, Exchange};

use super::job::FaultResult;
use crate::Fence;

/// An attempt as it is stored.
#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    attempt: &'a Attempt,
    /// The number of its claim.
    claim: String,
    /// The number of bytes of its exchange.
    #[serde(skip_serializing_if = "is_zero")]
    exchange: usize,
}

#[derive(Deserialize)]
struct Read {
    #[serde(flatten)]
    attempt: Attempt,
    /// The start of the response's body, if an earlier version stored the attempt.
    response: Option<String>,
    #[serde(default)]
    exchange: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "called by serde")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Returns the JSON of an attempt.
pub(super) fn write(attempt: &Attempt, fence: Fence) -> FaultResult<String> {
    Ok(serde_json::to_string(&Stored {
        attempt,
        claim: claim_number(fence),
        exchange: attempt.exchange.as_bytes().len(),
    })?)
}

/// Returns the text that a stored attempt of that claim contains. A receiver's text cannot contain it,
/// because its quotes are escaped.
pub(super) fn claim_mark(fence: Fence) -> String {
    format!(r#""claim":"{}""#, claim_number(fence))
}

fn claim_number(fence: Fence) -> String {
    format!("{:016x}", fence.count)
}

/// Returns the status of the last attempt to store: 0 if it got no response.
pub(super) fn status(attempt: &Attempt) -> i64 {
    attempt.status.unwrap_or(0).into()
}

/// Reads attempts without their exchanges.
pub(super) fn read(attempts: Option<&str>) -> FaultResult<Vec<Attempt>> {
    Ok(parse(attempts)?.into_iter().map(|it| it.attempt).collect())
}

/// Reads attempts with their exchanges. Those that were erased are empty.
pub(super) fn read_whole(
    attempts: Option<&str>,
    exchanges: Option<Vec<u8>>,
) -> FaultResult<Vec<Attempt>> {
    let mut exchanges = Bytes::from(exchanges.unwrap_or_default());
    let mut whole = Vec::new();
    for read in parse(attempts)? {
        let exchange = match read.response {
            Some(response) => Exchange::of_text(&response),
            None => Exchange::from_stored(exchanges.split_to(read.exchange.min(exchanges.len()))),
        };
        whole.push(Attempt {
            exchange,
            ..read.attempt
        });
    }
    Ok(whole)
}

/// Returns stored attempts without what receivers responded.
pub(super) fn erased(attempts: Option<&str>) -> FaultResult<Option<String>> {
    let Some(attempts) = attempts else {
        return Ok(None);
    };
    let mut all: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(&format!("[{attempts}]"))?;
    for attempt in &mut all {
        attempt.remove("response");
        attempt.remove("exchange");
    }
    let all: Result<Vec<_>, _> = all.iter().map(serde_json::to_string).collect();
    Ok(Some(all?.join(",")))
}

fn parse(attempts: Option<&str>) -> FaultResult<Vec<Read>> {
    Ok(serde_json::from_str(&format!(
        "[{}]",
        attempts.unwrap_or_default()
    ))?)
}
