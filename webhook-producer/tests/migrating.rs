//! `migrations.sql` on databases that are not empty, and from several replicas at once.

#![cfg(not(target_family = "wasm"))]

mod world;

use std::sync::Barrier;

use rusqlite::Connection;
use world::{Call, MIGRATIONS, World};

const ROW: &str = "INSERT INTO registrations (url, event, signing_key) VALUES (?1, '*', 'key')";

fn rows(database: &Connection) -> Vec<[String; 4]> {
    let statement =
        "SELECT url, signing_key, created_at, updated_at FROM registrations ORDER BY rowid";
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
    // A row is still one a URL.
    assert!(database.execute(ROW, ["http://one.example/"]).is_err());
}

#[test]
fn replicas_that_start_at_once_all_find_their_table() {
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

#[test]
fn a_table_of_another_version_is_told_at_the_health_route() {
    let world = World::without_table();
    let older = "CREATE TABLE registrations (url TEXT PRIMARY KEY, event TEXT, signing_key TEXT)";
    world.database.execute_batch(older).unwrap();
    world.database.execute_batch(MIGRATIONS).unwrap();
    let answer = world.answer(Call::new("GET", "/healthz"));
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.problem(), "store-unavailable");
    let hint = "the table is of another version than migrations.sql";
    assert!(world.logged().contains(hint), "{}", world.logged());
}
