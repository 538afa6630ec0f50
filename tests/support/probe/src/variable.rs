//! Variables.

use spin_sdk::variables;

use crate::call::Call;
use crate::reply::{Outcome, Reply};
use crate::variant;

pub fn reply(call: &Call) -> Outcome {
    Ok(match variables::get(call.required("name")?) {
        Ok(value) => Reply::ok(value),
        Err(error) => Reply::json(&variant::of_variables(&error)),
    })
}
