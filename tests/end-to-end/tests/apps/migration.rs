//! Migration from the original sample: its table, its commands, its component's name.

use serde_json::json;
use test_support::{App, Receiver, components};

use crate::consumer::tag;
use crate::producer::{self, Producer};

/// Adds the table of the original sample with one row.
fn with_originals(app: App, url: &str) -> App {
    let table = "CREATE TABLE REGISTRATIONS \
                 (URL TEXT PRIMARY KEY, EVENT TEXT NOT NULL, KEY TEXT NOT NULL)";
    let row = format!(
        "INSERT INTO REGISTRATIONS VALUES ('{url}', 'order.shipped', 'the-key-of-the-original-sample')"
    );
    app.args(["--sqlite", table, "--sqlite", &row])
}

/// Adds `--sqlite @migrations.sql`, from the folder of the manifest.
fn migrated(app: App) -> App {
    let linked = components::producer().join("migrations.sql");
    app.args(["--sqlite".to_owned(), format!("@{}", linked.display())])
}

#[tokio::test]
async fn the_rows_of_the_original_sample_work_with_their_keys() {
    let receiver = Receiver::start().await;
    let url = receiver.url("/target");
    let old = with_originals(producer::without_tables(), &url);
    let first = Producer::of(&migrated(old.clone())).await;
    assert_eq!(first.urls().await, std::slice::from_ref(&url));
    let rows = first.fire_event("order.shipped", &json!(null)).await;
    assert_eq!(rows[0]["status"], 200, "{rows:?}");
    let delivery = &receiver.received(1).await[0];
    assert_eq!(delivery.body, br#"{"event":"order.shipped","data":null}"#);
    let expected = tag(&delivery.body, "the-key-of-the-original-sample");
    assert_eq!(delivery.header("x-signature"), Some(expected.as_str()));
}

#[tokio::test]
async fn a_table_of_another_structure_has_its_own_error() {
    let other = "CREATE TABLE webhook_registrations (url TEXT, key TEXT)";
    let app = producer::without_tables().args(["--sqlite", other]);
    let producer = Producer::of(&app).await;
    let health = test_support::Request::get(producer.0.url("/healthz"));
    producer::assert_problem(&health.send().await, 503, "store-structure");
}

#[tokio::test]
async fn the_layout_of_a_release_has_the_files_of_the_original_commands() {
    components::guard();
    let app = App::from(components::producer());
    let folder = app.state_dir();
    let laid_out = std::process::Command::new("sh")
        .arg(components::root().join("scripts/lay-out-apps.sh"))
        .arg(&folder)
        .status();
    assert!(laid_out.is_ok_and(|status| status.success()));
    let read = |name: &str| std::fs::read(folder.join(name)).expect(name);
    assert_eq!(
        read("webhook-producer/migrations.sql"),
        read("migrations.sql")
    );
    // `wasm-tools compose -d hmac.wasm` derives a component's name, which has hyphens, from the file.
    assert_eq!(read("hmac.wasm"), read("hmac_component.wasm"));
    let decoded = wit_component::decode(&read("hmac.wasm")).expect("a component");
    assert!(matches!(decoded, wit_component::DecodedWasm::Component(..)));
}
