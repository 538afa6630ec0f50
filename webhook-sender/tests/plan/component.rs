//! Components that change while the sender runs.

use std::fs;
use std::sync::Arc;

use test_fixtures::transform::{ECHO, component};

use crate::world::{World, acme, event};

#[tokio::test]
async fn a_replaced_component_is_loaded() {
    let world = World::with_permits(9).await;
    let path = world.folder.path().join("echo.wasm");
    fs::write(&path, component(ECHO)).unwrap();
    let stored = world
        .endpoint("all", |one| {
            one.transform_component = Some("echo.wasm".into())
        })
        .await;
    world
        .planner
        .submit(&acme(), event("evt_1", "[1]"))
        .await
        .unwrap();
    let before = world.registry.endpoint(&acme(), &stored.id).unwrap();
    world.registry.refresh().await.unwrap();
    assert!(Arc::ptr_eq(
        &before,
        &world.registry.endpoint(&acme(), &stored.id).unwrap()
    ));
    // The length differs, so that the change is detected even with a coarse file system clock.
    fs::write(&path, component(&format!("(drop (i32.const 1)) {ECHO}"))).unwrap();
    world.registry.refresh().await.unwrap();
    assert!(!Arc::ptr_eq(
        &before,
        &world.registry.endpoint(&acme(), &stored.id).unwrap()
    ));
    fs::write(&path, b"broken").unwrap();
    world.registry.refresh().await.unwrap();
    world
        .planner
        .submit(&acme(), event("evt_2", "[2]"))
        .await
        .unwrap();
    let reason = world.deliveries().await.pop().unwrap().reason.unwrap();
    assert!(
        reason.contains("transform_component: `echo.wasm` cannot be used"),
        "{reason}"
    );
    fs::remove_file(&path).unwrap();
    fs::write(&path, component(ECHO)).unwrap();
    world.registry.refresh().await.unwrap();
    world
        .planner
        .submit(&acme(), event("evt_3", "[3]"))
        .await
        .unwrap();
    world.dispatch_port.until_started(2).await;
    let bodies: Vec<_> = world
        .dispatch_port
        .started()
        .into_iter()
        .map(|claim| claim.body)
        .collect();
    assert_eq!(bodies, ["[1]", "[3]"]);
}
