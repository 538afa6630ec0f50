//! Every file in `tests/requests` is a request with the answer, the log and the stored key that
//! are to come of it. `BLESS=1` writes what came into the files instead of comparing.
//!
//! A file has the parts `--- given` (lines `key TEXT`, `token TEXT`, `store fails`, `body LENGTH`,
//! `bytes HEX`), `--- request` (request line, headers, an empty line, the body) and `--- expected`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Case, FakePlatform};
use webhook_consumer::{Log, answer};

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
    let platform = FakePlatform::of(case);
    let mut log = Log::default();
    let answer = answer(&mut case.request(), &platform, &mut log);
    support::render(&answer, &platform, &log)
}

/// What an outsider or a reader of the log gets to see. The stored key comes last.
fn assert_no_secret(outcome: &str, file: &Path) {
    let shown = outcome.split("\nstored:").next().unwrap();
    for secret in ["RqJcWxsJDKjgINLW", "mB5kQpXz7TtYw2Lc", "s3cret"] {
        assert!(!shown.contains(secret), "{}: {shown}", file.display());
    }
}

#[test]
fn every_request_has_the_outcome_its_file_tells_and_shows_no_secret() {
    let files = case_files();
    assert!(files.len() >= 50, "only {} files", files.len());
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
