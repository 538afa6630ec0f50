//! The release workflow and the update configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::process::{root, script, text, version, yaml};

#[test]
fn a_tag_other_than_the_workspace_version_releases_nothing() {
    let tagged = |tag: &str| {
        script("version.sh")
            .arg(tag)
            .output()
            .expect("sh can be run")
    };
    assert!(tagged(&format!("v{}", version())).status.success());
    for wrong in [version(), format!("v{}.1", version()), String::new()] {
        assert!(!tagged(&wrong).status.success(), "`{wrong}`");
    }
}

#[test]
fn the_release_workflow_checks_the_tag_and_can_write_only_in_its_last_job() {
    let workflow = yaml(".github/workflows/release.yml");
    assert_eq!(workflow["on"]["push"]["tags"], serde_json::json!(["v*"]));
    assert_eq!(
        workflow["permissions"],
        serde_json::json!({ "contents": "read" })
    );
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let writing: Vec<&String> = jobs
        .iter()
        .filter(|(_, job)| job.get("permissions").is_some())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(writing, ["publish"]);
    assert_eq!(jobs["build"]["needs"], "version");
    assert_eq!(jobs["publish"]["needs"], "build");
    let targets = jobs["build"]["strategy"]["matrix"]["include"].as_array();
    let targets: Vec<&str> = targets
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["target"].as_str())
        .collect();
    let expected = [
        "x86_64-unknown-linux-musl",
        "aarch64-unknown-linux-musl",
        "aarch64-apple-darwin",
    ];
    assert_eq!(targets, expected);
    let steps: Vec<&Value> = jobs
        .values()
        .flat_map(|job| job["steps"].as_array().into_iter().flatten())
        .collect();
    let commands: Vec<&str> = steps
        .iter()
        .filter_map(|step| step["run"].as_str())
        .collect();
    for expected in ["sh scripts/version.sh \"$TAG\"", "make dist"] {
        assert!(commands.contains(&expected), "{expected}: {commands:?}");
    }
    assert!(
        text("Makefile")
            .lines()
            .any(|line| line.starts_with("dist:"))
    );
    // The name of a tag is untrusted: it must reach a shell as a variable only.
    assert!(
        commands.iter().all(|command| !command.contains("${{")),
        "{commands:?}"
    );
    for action in steps.iter().filter_map(|step| step["uses"].as_str()) {
        let (_, version) = action.split_once('@').expect("it has a version");
        assert!(!["main", "master"].contains(&version), "{action}");
    }
}

#[test]
fn updates_cover_every_file_with_pinned_versions() {
    let updates = yaml(".github/dependabot.yml");
    let file = |ecosystem: &str| match ecosystem {
        "cargo" => "Cargo.toml",
        "npm" => "package.json",
        "pip" => "requirements.txt",
        "github-actions" => ".github/workflows/release.yml",
        "docker" => "sender.Dockerfile",
        "docker-compose" => "compose.yaml",
        other => panic!("`{other}` is not known here"),
    };
    let mut seen = BTreeSet::new();
    for update in updates["updates"].as_array().expect("a list") {
        let ecosystem = update["package-ecosystem"].as_str().expect("a text");
        let one = update["directory"].as_str();
        let many = update["directories"].as_array().into_iter().flatten();
        for folder in one.into_iter().chain(many.filter_map(Value::as_str)) {
            let folder = folder.trim_start_matches('/');
            let path = Path::new(folder).join(file(ecosystem));
            assert!(root().join(&path).is_file(), "{}", path.display());
            seen.insert(path);
        }
    }
    for path in written_down(root()) {
        let path = path.strip_prefix(root()).expect("it is below");
        assert!(seen.contains(path), "{}", path.display());
    }
}

/// Returns the files of the tree that pin packages of npm and PyPI.
fn written_down(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in folder.read_dir().expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        match name.expect("UTF-8") {
            "package.json" | "requirements.txt" => found.push(path),
            "target" | "node_modules" => {}
            hidden if hidden.starts_with('.') => {}
            _ if path.is_dir() => found.extend(written_down(&path)),
            _ => {}
        }
    }
    found
}
