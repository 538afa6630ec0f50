//! A fake `spin`, and a copy of the files that the scripts use.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::root;

pub const API_TOKEN: &str = "api-token-0123456789";
pub const HANDSHAKE_TOKEN: &str = "handshake-token-0123456789";

/// A fake `spin` that logs one line per call, with its arguments joined by `|`. It keeps the deployed
/// manifest, the folder and the variables of a deployment to Akamai Functions, and fails the calls that
/// begin with `$FAIL`.
pub const FAKE: &str = r#"#!/bin/sh
for argument in "$@"; do printf '%s|' "$argument"; done >>"$LOG"
printf '\n' >>"$LOG"
[ "$CARGO_TARGET_DIR" = "$PWD/target" ] || [ "$1" = cloud ] || [ "$1" = aka ] || exit 9
case "$*" in
"cloud deploy"*) cat "$4" >>"$LOG.manifests" ;;
"aka deploy"*)
    [ -f "$4" ] || exit 8
    for argument in "$@"; do last=$argument; done
    basename "$PWD" >>"$LOG.folders"
    cat "${last#@}" >>"$LOG.variables"
    ;;
esac
[ -z "${FAIL:-}" ] || case "$*" in "$FAIL"*) exit 7 ;; esac
"#;

/// A copy of the files that the scripts use, and a folder with the only programs on their PATH.
pub struct World(tempfile::TempDir);

impl World {
    pub fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let files = [
            "scripts/push.sh",
            "scripts/deploy-cloud.sh",
            "scripts/deploy-akamai.sh",
            "scripts/deploy-checks.sh",
            "webhook-producer/spin.toml",
            "webhook-producer/spin.postgres.toml",
            "webhook-producer/spin.redis.toml",
            "webhook-consumer/spin.toml",
            "webhook-consumer/spin.postgres.toml",
            "webhook-consumer/spin.redis.toml",
            "migrations.sql",
        ];
        for file in files {
            let to = world.path().join(file);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(root().join(file), to).unwrap();
        }
        let programs = world.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        for tool in [
            "sh", "dirname", "sed", "head", "grep", "rm", "cat", "mktemp", "basename",
        ] {
            std::os::unix::fs::symlink(found(tool), programs.join(tool)).unwrap();
        }
        world
    }

    pub fn with_spin() -> Self {
        let world = Self::new();
        let spin = world.path().join("bin/spin");
        std::fs::write(&spin, FAKE).unwrap();
        std::fs::set_permissions(&spin, PermissionsExt::from_mode(0o755)).unwrap();
        world
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn run(&self, script: &str, environment: &[(&str, &str)]) -> Output {
        let program = self.path().join("bin/sh");
        Command::new(program)
            .arg(self.path().join("scripts").join(script))
            .env_clear()
            .env("PATH", self.path().join("bin"))
            .env("LOG", self.path().join("log"))
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    /// Returns the calls of `spin`, one per line.
    pub fn calls(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.path().join("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Returns what the fake `spin` kept of the deployments.
    pub fn kept(&self, kind: &str) -> String {
        std::fs::read_to_string(self.path().join(format!("log.{kind}"))).unwrap_or_default()
    }

    #[track_caller]
    pub fn refuses(&self, script: &str, environment: &[(&str, &str)], why: &str) {
        let output = self.run(script, environment);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.starts_with("missing: ") && said.contains(why),
            "{said}"
        );
        let deeds = self.calls();
        let deeds: Vec<_> = deeds
            .iter()
            .filter(|call| !["cloud|--version|", "aka|--version|"].contains(&call.as_str()))
            .collect();
        assert!(deeds.is_empty(), "{deeds:?}");
    }
}

pub fn found(tool: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(tool));
    places
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("no `{tool}`"))
}

#[track_caller]
pub fn succeeds(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

pub const TOKENS: [(&str, &str); 2] = [
    ("API_TOKEN", API_TOKEN),
    ("HANDSHAKE_TOKEN", HANDSHAKE_TOKEN),
];
