//! The content of the release archives, and that it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use test_support::components;

use crate::process::{Server, run, scratch, version};
use crate::release::{entries, host, make, names, release};

#[test]
fn a_release_is_complete_and_its_checksums_match() {
    let release = release();
    let mut expected = names();
    expected.insert("SHA256SUMS".to_owned());
    assert_eq!(entries(&release.dist), expected);
    let sums = std::fs::read_to_string(release.dist.join("SHA256SUMS")).expect("it is there");
    let listed = sums.lines().filter_map(|line| line.split_once("  "));
    let listed: BTreeMap<&str, &str> = listed.map(|(sum, name)| (name, sum)).collect();
    assert_eq!(listed.len(), names().len(), "{sums}");
    for name in names() {
        let computed = run(Command::new("openssl")
            .args(["dgst", "-sha256", "-r", &name])
            .current_dir(&release.dist));
        assert_eq!(listed[name.as_str()], &computed[..64], "{name}");
    }
}

#[test]
fn every_archive_contains_its_licence_its_readme_and_its_parts() {
    let release = release();
    let (version, host) = (version(), host());
    let expected = [
        (
            format!("signed-webhooks-components-{version}"),
            "hmac_component.wasm hmac.wasm webhook_producer.wasm webhook_consumer.wasm webhook_guard.wasm \
             migrations.sql webhook-producer webhook-consumer wit",
        ),
        (
            format!("webhook-sender-{version}-{host}"),
            "webhook-sender webhook-sender.service",
        ),
        (format!("spin-local-{version}-{host}"), "spin-local"),
    ];
    for (folder, parts) in expected {
        let mut parts: BTreeSet<String> = parts.split(' ').map(str::to_owned).collect();
        parts.extend(["LICENSE", "README.md"].map(str::to_owned));
        assert_eq!(entries(&release.unpacked.join(&folder)), parts, "{folder}");
    }
    let interfaces = ["hmac.wit", "signature.wit", "transform.wit"].map(str::to_owned);
    assert_eq!(
        entries(&release.components().join("wit")),
        interfaces.into()
    );
}

#[test]
fn archives_are_reproducible() {
    components::producer();
    let binaries = scratch("stand-ins");
    for name in ["webhook-sender", "spin-local"] {
        std::fs::write(binaries.join(name), name).expect("target can be written to");
    }
    let sums = ["dist-once", "dist-twice"].map(|name| {
        let dist = scratch(name);
        make(&binaries, &dist);
        std::fs::read_to_string(dist.join("SHA256SUMS")).expect("it is there")
    });
    assert_eq!(sums[0], sums[1]);
}

#[test]
fn programs_report_the_version_of_their_archive() {
    for name in ["webhook-sender", "spin-local"] {
        let said = run(Command::new(release().binary(name)).arg("--version"));
        assert_eq!(said.trim(), format!("{name} {}", version()));
    }
}

#[test]
fn apps_run_from_their_archive() {
    let release = release();
    let state = scratch("apps-state");
    for app in ["webhook-producer", "webhook-consumer"] {
        let migrations = format!("@{}", release.components().join("migrations.sql").display());
        let server = Server::start(
            Command::new(release.binary("spin-local"))
                .args(["up", "-f", app, "--listen", "127.0.0.1:0", "--state-dir"])
                .arg(state.join(app))
                .args(["--sqlite", &migrations])
                .current_dir(release.components()),
            "Serving ",
        );
        assert_eq!(server.get("/healthz"), 200, "{app}");
        assert!(server.stop(&[]).success(), "{app}");
    }
}
