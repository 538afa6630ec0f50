//! `scripts/push.sh`.

use crate::fake_spin::{World, succeeds};

#[test]
fn push_builds_both_apps_and_then_pushes_both_under_their_versions() {
    let world = World::with_spin();
    succeeds(&world.run("push.sh", &[("REGISTRY", "ghcr.io/you")]));
    let expected = [
        "build|--from|webhook-producer/spin.toml|",
        "build|--from|webhook-consumer/spin.toml|",
        "registry|push|--from|webhook-producer/spin.toml|ghcr.io/you/webhook-producer:0.1.0|",
        "registry|push|--from|webhook-consumer/spin.toml|ghcr.io/you/webhook-consumer:0.1.0|",
    ];
    assert_eq!(world.calls(), expected);
}

#[test]
fn push_uses_the_manifests_of_the_selected_store() {
    for store in ["postgres", "redis"] {
        let world = World::with_spin();
        let environment = [("REGISTRY", "ghcr.io/you"), ("STORE", store)];
        succeeds(&world.run("push.sh", &environment));
        let asked = world.calls();
        let manifest = format!("spin.{store}.toml");
        assert!(
            asked.iter().all(|call| call.contains(&manifest)),
            "{asked:?}"
        );
    }
    let unknown = [("REGISTRY", "ghcr.io/you"), ("STORE", "mysql")];
    World::with_spin().refuses("push.sh", &unknown, "`mysql`");
}

#[test]
fn push_pushes_nothing_when_a_build_fails() {
    let world = World::with_spin();
    let environment = [
        ("REGISTRY", "ghcr.io/you"),
        ("FAIL", "build --from webhook-consumer/spin.toml"),
    ];
    let output = world.run("push.sh", &environment);
    assert_eq!(output.status.code(), Some(7));
    assert!(
        !world
            .calls()
            .iter()
            .any(|call| call.starts_with("registry"))
    );
}

#[test]
fn push_reports_missing_requirements() {
    let registry = [("REGISTRY", "ghcr.io/you")];
    World::new().refuses("push.sh", &registry, "`spin` is not on the PATH");
    World::with_spin().refuses("push.sh", &[], "REGISTRY");
    for bad in [
        "https://ghcr.io/you",
        "ghcr.io/you/",
        "ghcr.io/You",
        "ghcr.io/you me",
    ] {
        World::with_spin().refuses("push.sh", &[("REGISTRY", bad)], bad);
    }
    let local = [registry[0], ("SPIN", "spin-local")];
    World::with_spin().refuses("push.sh", &local, "spin-local pushes nothing");
}
