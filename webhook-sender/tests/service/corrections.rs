//! Corrections of the data of rejected events, in every store.

use serde_json::{Value, json};
use test_support::{Receiver, Reply, Request};
use webhook_model::{Clock, FieldText, Rejected, Source, TenantId};
use webhook_store::Store as AnyStore;
use webhook_store::postgres::PostgresStore;
use webhook_store::redis::RedisStore;
use webhook_store::sqlite::SqliteStore;

use crate::fixtures::{config, get};
use crate::sender::{Sender, Setting, Store};

/// The data as it arrived, which is not JSON.
const BAD: &str = "{\"total\": }";

/// The configured bound of data, in bytes.
const MOST: usize = 1024;

struct World {
    receiver: Receiver,
    sender: Sender,
    _setting: Setting,
}

/// Keeps rejected events of `acme` in a store, as a source leaves them.
async fn keep(store: &dyn AnyStore, ids: &[&str]) {
    let acme = TenantId::parse("acme").expect("a valid id");
    store.put_tenant(&acme).await.expect("a new tenant");
    let text = |text: &str| FieldText::from(text.as_bytes().to_vec());
    let rejected = |id: &&str| Rejected {
        id: (*id).into(),
        tenant: Some(acme.clone()),
        source: Source::named("shop"),
        // An old one would be deleted after its retention.
        at: Clock::system().now(),
        code: "bad-data".into(),
        reason: "data is not JSON".into(),
        fields: vec![
            (text("tenant"), text("acme")),
            (text("type"), text("order.paid")),
            (text("data"), text(BAD)),
        ],
    };
    let rejected: Vec<_> = ids.iter().map(rejected).collect();
    store.reject(&rejected).await.expect("they are kept");
}

impl World {
    async fn start(store: Store, ids: &[&str]) -> Self {
        let setting = Setting::new(store).await;
        match (&setting.redis, &setting.postgres) {
            (_, Some(server)) => {
                let address = webhook_store::postgres::Address::parse(&server.url());
                let store = PostgresStore::open(address.expect("an address")).await;
                keep(&store.expect("a store"), ids).await;
            }
            (Some(server), None) if store == Store::Redis => {
                let address = redis_link::Address::parse(&server.url());
                keep(&RedisStore::new(address.expect("an address")), ids).await;
            }
            _ => {
                let store = SqliteStore::open(&setting.folder().join("sender.db"));
                keep(&store.expect("a store"), ids).await;
            }
        }
        let receiver = Receiver::start().await;
        let bound = "[delivery]\nmax_body = \"1KiB\"\n";
        let declared = config(receiver.address(), "").replace("[delivery]\n", bound);
        setting.configure("sender", &declared);
        Self {
            receiver,
            sender: setting.start("sender"),
            _setting: setting,
        }
    }

    async fn retry(&self, id: &str, body: impl Into<String>) -> Reply {
        let path = format!("{}/v1/dead-letters/{id}/retry", self.sender.api);
        Request::post(path).json(body.into()).send().await
    }
}

async fn corrected_data_is_planned_byte_for_byte_within_its_bound(store: Store) {
    let world = World::start(store, &["one"]).await;
    let large = "x".repeat(MOST);
    for (body, status, code) in [
        ("{}".to_owned(), 422, "invalid"),
        (format!("{{\"data\": {BAD}}}"), 400, "bad-body"),
        (format!("{{\"data\": \"{large}\"}}"), 413, "too-large"),
    ] {
        let reply = world.retry("one", body.clone()).await;
        let shown = reply.text();
        assert_eq!(
            (reply.status, &reply.json()["code"]),
            (status, &json!(code)),
            "{body}: {shown}"
        );
    }
    let data = "{\"total\": 1.0,  \"count\": 1e2}";
    let reply = world.retry("one", format!("{{\"data\": {data}}}")).await;
    assert_eq!((reply.status, reply.json()), (202, json!({ "id": "one" })));
    let delivered = world.receiver.received(1).await;
    assert_eq!(delivered[0].body, data.as_bytes());
    let audit = format!("{}/v1/audit?tenant=acme&limit=1", world.sender.api);
    let audit = Request::get(audit).send().await.json();
    let (entry, bytes) = (&audit["items"][0], format!("({} bytes)", data.len()));
    assert_eq!(entry["action"], "dead-letter.retry");
    assert_eq!(entry["changes"][0], json!({ "field": "data", "to": bytes }));
    assert!(!audit.to_string().contains("1e2"), "{audit}");
    let again = world.retry("one", "{}").await;
    assert_eq!(again.status, 404, "it is not rejected any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_plans_corrected_data_byte_for_byte_within_its_bound() {
    corrected_data_is_planned_byte_for_byte_within_its_bound(Store::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_plans_corrected_data_byte_for_byte_within_its_bound() {
    corrected_data_is_planned_byte_for_byte_within_its_bound(Store::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_plans_corrected_data_byte_for_byte_within_its_bound() {
    corrected_data_is_planned_byte_for_byte_within_its_bound(Store::Redis).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_corrects_data_from_its_line_or_a_file() {
    let world = World::start(Store::Sqlite, &["one", "two"]).await;
    let run = |arguments: &[&str]| {
        let start = ["dead-letters", "--tenant", "acme", "--retry"];
        world.sender.command(&[&start[..], arguments].concat())
    };
    let refused = run(&["one", "--data", BAD]);
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && error.contains("--data is not JSON"),
        "{error}"
    );
    let planned = run(&["one", "--data", "null"]);
    assert!(planned.status.success(), "{planned:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("data.json");
    std::fs::write(&file, "{\"total\": 2.50}\n").expect("a file");
    let planned = run(&["two", "--data-file", file.to_str().expect("text")]);
    assert!(planned.status.success(), "{planned:?}");
    let bodies = world.receiver.received(2).await.into_iter();
    let mut bodies: Vec<_> = bodies.map(|request| request.body).collect();
    bodies.sort();
    assert_eq!(bodies, [&b"null"[..], b"{\"total\": 2.50}"]);
    let rejected = get(&world.sender, "dead-letters").await;
    assert_eq!(rejected["items"], Value::Array(Vec::new()));
}
