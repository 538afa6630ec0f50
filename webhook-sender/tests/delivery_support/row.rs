//! A delivery of the store in memory.

use webhook_model::{Attempt, Millis};
use webhook_store::Claim;

/// One delivery and its history.
#[derive(Clone, Debug)]
pub struct Row {
    pub claim: Claim,
    pub state: State,
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Due(Millis),
    InFlight(String),
    Succeeded,
    Dead(String),
}
