//! Every file in `tests/requests` is a request with the expected response, log and stored keys.
//! `BLESS=1` writes the actual outcome into the files instead of comparing.
//!
//! A file has the parts `--- given`, `--- request` (request line, headers, an empty line, the body)
//! and `--- expected`. The first part has lines with a name and a value:
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
use std::path::{Path, PathBuf};

use support::Case;
use webhook_consumer::respond;
use webhook_receiver::Log;

fn case_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/requests");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

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
fn every_request_has_the_outcome_in_its_file_and_reveals_no_secret() {
    let files = case_files();
    assert!(files.len() >= 90, "only {} files", files.len());
    let bless = std::env::var_os("BLESS").is_some();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let case = Case::parse(&text);
        let outcome = outcome(&case);
        assert_no_secret(&outcome, &file);
        if bless {
            fs::write(&file, case.with_expected(&outcome)).unwrap();
        } else {
            assert_eq!(outcome, case.expected, "{}", file.display());
        }
    }
}
