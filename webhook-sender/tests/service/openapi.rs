//! The OpenAPI document against the handlers, by other people's tool: `schemathesis` derives requests
//! from the document, right and wrong ones, and holds every response to it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::api_world::{Api, TOKEN};

/// The number of requests for each operation and kind of test.
const EXAMPLES: &str = "25";

fn own(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where `scripts/setup-interop.sh` puts it; `None`, and a line about it, where it is not.
fn installed() -> Option<PathBuf> {
    let path = own("../target/interop/schemathesis/bin/schemathesis");
    if path.exists() {
        return Some(path);
    }
    let missing = "left out: schemathesis. `make setup-interop` installs it";
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "{missing}");
    // Past the test harness, which would keep it to itself.
    let _ = writeln!(std::io::stderr(), "{missing}");
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn the_handlers_do_what_the_document_says() {
    let Some(schemathesis) = installed() else {
        return;
    };
    let api = Api::start().await;
    let mut command = Command::new(schemathesis);
    command
        .current_dir(api.setting.folder())
        .arg("--config-file")
        .arg(own("tests/service/openapi/schemathesis.toml"))
        .args(["--no-color", "run"])
        .arg(own("src/api/openapi.json"))
        .args(["--url", &api.sender.api])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--checks", "all", "--seed", "1", "--max-examples", EXAMPLES])
        .arg("--continue-on-failure");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().expect("schemathesis can be run");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
}
