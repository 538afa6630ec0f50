//! The statements that create an outbox.

use event_sources::postgres_outbox::Table;
use futures::StreamExt;
use test_support::postgres::shared_url;
use tokio_postgres::{AsyncMessage, Client, NoTls};

use super::world::World;

/// The first half of the key of the lock of a waiting reader, which is fixed: applications keep the trigger.
const WAITING: i32 = 2_003_332_962;

async fn oid(client: &Client, table: &Table) -> u32 {
    let sql = format!("SELECT '{table}'::regclass::oid");
    client.query_one(&sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_may_be_run_again_and_keep_the_rows() {
    let world = World::new().await;
    let client = world.client().await;
    world.insert(&client, "1").await;
    world.create("").await;
    assert_eq!(world.rows().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_need_quotes_work_in_another_schema() {
    let url = shared_url().await;
    let url = url.split('?').next().unwrap();
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let table = Table::new("My \"Schema\"", "select").unwrap();
    let schema = r#"DROP SCHEMA IF EXISTS "My ""Schema""" CASCADE; CREATE SCHEMA "My ""Schema""";"#;
    client.batch_execute(schema).await.unwrap();
    client.batch_execute(&table.ddl()).await.unwrap();
    let insert = format!("INSERT INTO {table} (type, data) VALUES ('a.b', '1')");
    client.batch_execute(&insert).await.unwrap();
    oid(&client, &table).await;
}

/// Inserts rows twice: while no reader waits, and while one does. Returns the notifications.
async fn notifications(world: &World) -> Vec<String> {
    let (client, mut connection) = tokio_postgres::connect(&world.url, NoTls).await.unwrap();
    let (sender, received) = futures::channel::mpsc::unbounded();
    tokio::spawn(async move {
        let mut messages = futures::stream::poll_fn(move |cx| connection.poll_message(cx));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notification(one) = message {
                sender.unbounded_send(one.payload().to_owned()).unwrap();
            }
        }
    });
    let oid = oid(&client, &world.table).await;
    let listen = format!("LISTEN webhook_outbox_{oid}");
    client.batch_execute(&listen).await.unwrap();
    let (writer, reader) = (world.client().await, world.client().await);
    world.insert(&writer, "1").await;
    let own = format!("NOTIFY webhook_outbox_{oid}, 'between'");
    client.batch_execute(&own).await.unwrap();
    let lock = format!("SELECT pg_advisory_lock({WAITING}, {})", oid.cast_signed());
    reader.batch_execute(&lock).await.unwrap();
    world.insert(&writer, "2").await;
    client
        .batch_execute(&format!("NOTIFY webhook_outbox_{oid}, 'end'"))
        .await
        .unwrap();
    received
        .take_while(|one| std::future::ready(one != "end"))
        .collect()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_notifies_only_while_a_reader_waits() {
    let world = World::new().await;
    assert_eq!(notifications(&world).await, ["between", ""]);
}
