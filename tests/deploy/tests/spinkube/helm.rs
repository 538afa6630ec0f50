//! Helm: the program, or its library under `target/kubernetes`, which `make setup-kubernetes` installs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::root;

/// The namespace of every release.
const NAMESPACE: &str = "webhooks";

/// The Helm of this machine.
pub struct Helm {
    program: PathBuf,
    /// The arguments before those of Helm.
    first: Vec<PathBuf>,
}

impl Helm {
    /// Returns the Helm of this machine. If it has none, reports that the test is left out and returns
    /// `None`.
    ///
    /// # Panics
    ///
    /// It has none, and the environment has `CI=true`.
    pub fn available() -> Option<Self> {
        let python = root().join("target/kubernetes/bin/python");
        if found("helm") {
            let program = PathBuf::from("helm");
            let first = Vec::new();
            return Some(Self { program, first });
        }
        if python.is_file() {
            let first = vec![root().join("tests/deploy/kubernetes/helm.py")];
            let program = python;
            return Some(Self { program, first });
        }
        leave_out("the chart by Helm");
        None
    }

    /// Lints the chart with these values.
    ///
    /// # Errors
    ///
    /// Helm's findings.
    pub fn lint(&self, chart: &Path, values: &Value) -> Result<(), String> {
        self.run(&["lint"], chart, &[], values).map(drop)
    }

    /// Renders the chart with these values. The resources have the namespace of the release.
    ///
    /// # Errors
    ///
    /// Helm's message.
    pub fn template(&self, chart: &Path, values: &Value) -> Result<Vec<Value>, String> {
        let text = self.run(&["template", "demo"], chart, &["-n", NAMESPACE], values)?;
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text).map_err(|error| format!("{error}:\n{text}"))?;
        let mut resources: Vec<_> = documents.into_iter().filter(|one| !one.is_null()).collect();
        for resource in &mut resources {
            resource["metadata"]["namespace"] = json!(NAMESPACE);
        }
        Ok(resources)
    }

    fn run(
        &self,
        before: &[&str],
        chart: &Path,
        after: &[&str],
        values: &Value,
    ) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), values.to_string()).unwrap();
        let output = Command::new(&self.program)
            .args(&self.first)
            .args(before)
            .arg(chart)
            .args(after)
            .arg("-f")
            .arg(file.path())
            .output()
            .unwrap();
        text(output)
    }
}

/// Reports that a check is left out, because its tool is missing.
///
/// # Panics
///
/// The environment has `CI=true`.
pub fn leave_out(check: &str) {
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "cannot check {check}: make setup-kubernetes");
    eprintln!("left out: {check}: make setup-kubernetes");
}

fn text(output: Output) -> Result<String, String> {
    let out = String::from_utf8(output.stdout).unwrap();
    if output.status.success() {
        return Ok(out);
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!("{out}{error}"))
}

/// Returns `true` if a program is on the `PATH`.
pub fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
