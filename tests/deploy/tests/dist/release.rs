//! The archives, built once per test process.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use test_support::{components, without_package};

use crate::process::{root, run, scratch, script, version};

/// Returns the Rust target of this machine.
pub fn host() -> String {
    let said = run(Command::new("rustc").arg("-vV"));
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names it").to_owned()
}

/// Returns the folder of the binaries: the path in the environment variable `DIST_BINARIES`, or the
/// folder in which they are built from the tree.
fn binaries() -> PathBuf {
    if let Some(given) = std::env::var_os("DIST_BINARIES") {
        return given.into();
    }
    // The same selection as in `test-support`, which explains it, and one more binary.
    let words = "build --target-dir target --bin spin-local --bin webhook-sender --test wire";
    run(without_package(&mut Command::new("cargo"))
        .args(words.split(' '))
        .current_dir(root()));
    root().join("target/debug")
}

pub fn make(binaries: &Path, dist: &Path) {
    run(script("dist.sh")
        .env("DIST_TARGET", host())
        .env("DIST_BINARIES", binaries)
        .env("DIST_DIR", dist));
}

/// The archives and their content, built once from binaries of the development profile.
pub struct Release {
    pub dist: PathBuf,
    pub unpacked: PathBuf,
}

pub fn release() -> &'static Release {
    static MADE: OnceLock<Release> = OnceLock::new();
    MADE.get_or_init(|| {
        let dist = scratch("dist");
        let unpacked = scratch("unpacked");
        components::producer();
        make(&binaries(), &dist);
        for name in names().iter().filter(|name| name.ends_with(".tar.gz")) {
            let archive = dist.join(name);
            run(Command::new("tar")
                .arg("xzf")
                .arg(archive)
                .arg("-C")
                .arg(&unpacked));
        }
        Release { dist, unpacked }
    })
}

impl Release {
    pub fn components(&self) -> PathBuf {
        let name = format!("signed-webhooks-components-{}", version());
        self.unpacked.join(name)
    }

    pub fn binary(&self, name: &str) -> PathBuf {
        let folder = format!("{name}-{}-{}", version(), host());
        self.unpacked.join(folder).join(name)
    }

    pub fn parts(&self, name: &str) -> Value {
        let list = format!("{name}-{}-{}.cdx.json", version(), host());
        let list = std::fs::read_to_string(self.dist.join(list)).expect("it is there");
        serde_json::from_str(&list).expect("it is JSON")
    }
}

/// Returns the files of a release, except for the checksums.
pub fn names() -> BTreeSet<String> {
    let (version, host) = (version(), host());
    BTreeSet::from([
        format!("signed-webhooks-components-{version}.tar.gz"),
        format!("webhook-sender-{version}-{host}.tar.gz"),
        format!("webhook-sender-{version}-{host}.cdx.json"),
        format!("spin-local-{version}-{host}.tar.gz"),
        format!("spin-local-{version}-{host}.cdx.json"),
    ])
}

pub fn entries(folder: &Path) -> BTreeSet<String> {
    let entries = folder.read_dir().expect("a folder");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    entries
        .map(|entry| name(entry).into_string().expect("UTF-8"))
        .collect()
}
