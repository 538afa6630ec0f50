//! `migrations.sql` on databases that are not empty, and from several replicas concurrently.

#![cfg(not(target_family = "wasm"))]

mod world;

use std::sync::Barrier;

use rusqlite::Connection;
use webhook_producer::platform::Database;
use world::{Call, MIGRATIONS, World, tag};

const ROW: &str =
    "INSERT INTO webhook_registrations (url, event, signing_key) VALUES (?1, '*', 'key')";

fn rows(database: &Connection) -> Vec<[String; 4]> {
    let statement =
        "SELECT url, signing_key, created_at, updated_at FROM webhook_registrations ORDER BY rowid";
    let mut statement = database.prepare(statement).unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]);
    let rows = statement.query_map([], row).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_second_run_changes_nothing() {
    let database = Connection::open_in_memory().unwrap();
    database.execute_batch(MIGRATIONS).unwrap();
    database.execute(ROW, ["http://one.example/"]).unwrap();
    let before = rows(&database);
    database.execute_batch(MIGRATIONS).unwrap();
    assert_eq!(rows(&database), before);
    // A URL still has only one row.
    assert!(database.execute(ROW, ["http://one.example/"]).is_err());
}

#[test]
fn replicas_that_start_concurrently_all_find_their_table() {
    let folder = std::env::temp_dir().join(format!("migrating-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("registrations.db");
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for replica in 0..8 {
            let (file, start) = (&file, &start);
            scope.spawn(move || {
                let database = Connection::open(file).unwrap();
                database
                    .busy_timeout(std::time::Duration::from_secs(60))
                    .unwrap();
                start.wait();
                database.execute_batch(MIGRATIONS).unwrap();
                database
                    .execute(ROW, [format!("http://{replica}.example/")])
                    .unwrap();
            });
        }
    });
    assert_eq!(rows(&Connection::open(&file).unwrap()).len(), 8);
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Creates a database with the original sample's table and these rows.
fn originals(rows: &[[&str; 3]]) -> World {
    let world = World::without_table();
    let table = "CREATE TABLE REGISTRATIONS (URL TEXT PRIMARY KEY, EVENT TEXT, KEY TEXT)";
    world.database.execute_batch(table).unwrap();
    let insert = "INSERT INTO REGISTRATIONS (URL, EVENT, KEY) VALUES (?1, ?2, ?3)";
    for row in rows {
        world.database.execute(insert, row).unwrap();
    }
    world
}

fn migrate(world: &World) {
    world.database.execute_batch(MIGRATIONS).unwrap();
}

#[test]
fn the_rows_of_the_original_sample_are_migrated_and_work_with_their_keys() {
    let world = originals(&[
        ["http://b.example/target", "order.shipped", "key b"],
        ["http://a.example/target", "", "key a"],
    ]);
    migrate(&world);
    let moved = |row: &[String; 4]| (row[0].clone(), row[1].clone());
    let expected = [
        ("http://b.example/target".to_owned(), "key b".to_owned()),
        ("http://a.example/target".to_owned(), "key a".to_owned()),
    ];
    let table = rows(&world.database);
    assert_eq!(table.iter().map(moved).collect::<Vec<_>>(), expected);

    let body = r#"{"event": "order.shipped", "data": 1}"#;
    let fired = world.send(Call::new("POST", "/fire").json(body));
    assert_eq!(
        fired.json().as_array().map(Vec::len),
        Some(2),
        "{}",
        fired.text()
    );
    for (post, key) in world.posts.borrow().iter().zip(["key b", "key a"]) {
        let tag = ("X-Signature".to_owned(), tag(&post.body, key));
        assert!(post.headers.contains(&tag), "{key}");
    }
}

#[test]
fn deleted_rows_do_not_come_back_with_the_next_run() {
    let world = originals(&[["http://a.example/", "*", "key a"]]);
    migrate(&world);
    migrate(&world);
    assert_eq!(rows(&world.database).len(), 1);
    let one = "/registrations?url=http://a.example/";
    assert_eq!(world.send(Call::new("DELETE", one)).status(), 200);
    migrate(&world);
    assert!(rows(&world.database).is_empty());
}

#[test]
fn a_registration_newer_than_the_original_row_is_kept() {
    let world = originals(&[]);
    migrate(&world);
    world.insert("http://a.example/", "*", "new key");
    let again =
        "INSERT INTO registrations (url, event, key) VALUES ('http://a.example/', '*', 'old')";
    world.database.execute_batch(again).unwrap();
    migrate(&world);
    let table = rows(&world.database);
    assert_eq!((table.len(), table[0][1].as_str()), (1, "new key"));
}

#[test]
fn the_rows_of_an_earlier_version_are_migrated_with_their_times() {
    let world = World::without_table();
    let earlier = "CREATE TABLE registrations (url TEXT NOT NULL PRIMARY KEY, event TEXT NOT NULL, \
                   signing_key TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL); \
                   INSERT INTO registrations VALUES ('http://a.example/', 'e', 'key', 'then', 'now')";
    world.database.execute_batch(earlier).unwrap();
    migrate(&world);
    let expected = ["http://a.example/", "key", "then", "now"].map(str::to_owned);
    assert_eq!(rows(&world.database), [expected]);
}

#[test]
fn rows_of_an_unrelated_table_are_left_alone() {
    for table in [
        "CREATE TABLE registrations (student TEXT); INSERT INTO registrations VALUES ('Ada')",
        "CREATE TABLE registrations (url TEXT); INSERT INTO registrations VALUES ('http://a/')",
        "CREATE TABLE registrations (url, event, key); \
         INSERT INTO registrations VALUES ('http://a/', 'e', NULL)",
    ] {
        let world = World::without_table();
        world.database.execute_batch(table).unwrap();
        migrate(&world);
        assert!(rows(&world.database).is_empty(), "{table}");
        let left = world.execute("SELECT CAST(count(*) AS TEXT) FROM registrations", &[]);
        assert_eq!(left, Ok(vec![vec!["1".to_owned()]]), "{table}");
        assert_eq!(world.send(Call::new("GET", "/healthz")).status(), 200);
    }
}

#[test]
fn a_table_of_another_structure_has_its_own_error() {
    let world = World::without_table();
    let other = "CREATE TABLE webhook_registrations (url TEXT PRIMARY KEY, event TEXT, \
                 signing_key TEXT)";
    world.database.execute_batch(other).unwrap();
    for (method, path) in [("GET", "/healthz"), ("GET", "/registrations")] {
        let reply = world.send(Call::new(method, path));
        assert_eq!(
            (reply.status(), reply.problem().as_str()),
            (503, "store-structure")
        );
    }
    assert!(world.logged().contains("created_at"), "{}", world.logged());

    let missing = World::without_table().send(Call::new("GET", "/healthz"));
    assert_eq!(missing.problem(), "store-unavailable");
    assert!(
        missing.text().contains("migrations.sql"),
        "{}",
        missing.text()
    );
}
