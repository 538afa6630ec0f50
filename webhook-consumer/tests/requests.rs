//! The requests in `tests/requests`, with the expected response, log and stored keys of each in a
//! snapshot.
//!
//! A file has the parts `--- given` and `--- request` (request line, headers, an empty line, the body).
//! The first part has lines with a name and a value:
//!
//! | line | meaning |
//! |---|---|
//! | `key TEXT`, `previous JSON` | the content of the key-value store |
//! | `late SECONDS` | the clock, as an offset from 1614265330 |
//! | `store fails`, `database fails` | every use of it fails |
//! | `body LENGTH`, `bytes HEX` | a body of so many `x`, or of these bytes |
//! | any other | a variable and its value |
//!
//! The variables are those of `spin.toml` except for two, which have the values of `make
//! start-consumer`: `open_handshake` is `true` and `weakest_scheme` is `plain`.

#![cfg(not(target_family = "wasm"))]

#[path = "../../crates/webhook-receiver/tests/platform/mod.rs"]
mod platform;
mod support;

use std::fs;
use std::path::Path;

use support::Case;
use test_support::cases;
use webhook_consumer::respond;
use webhook_receiver::Log;

fn outcome(case: &Case) -> String {
    let platform = case.platform();
    let mut log = Log::of("CONSUMER");
    let response = respond(&mut case.request(), &platform, &mut log);
    support::render(&response, &platform, &log)
}

/// Checks that neither the response nor the log contains a secret. The stored key comes after them.
fn assert_no_secret(outcome: &str, file: &Path) {
    let visible = outcome.split("\nstored").next().unwrap();
    for secret in [
        "RqJcWxsJDKjgINLW",
        "mB5kQpXz7TtYw2Lc",
        "MfKQ9r8GKYqrTwjU",
        "s3cret",
    ] {
        assert!(!visible.contains(secret), "{}: {visible}", file.display());
    }
}

#[test]
fn every_request_has_the_expected_outcome_and_reveals_no_secret() {
    cases::check("tests/requests", "txt", 90, |file| {
        let text = fs::read_to_string(file).unwrap();
        let outcome = outcome(&Case::parse(&text));
        assert_no_secret(&outcome, file);
        outcome
    });
}
