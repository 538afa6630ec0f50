//! The stores of registrations: their selection, their failures, and concurrent registrations from
//! several processes.

#![cfg(not(target_family = "wasm"))]

mod world;

use std::sync::Barrier;

use test_support::stores::{on_postgres, on_redis, unique};
use webhook_producer::key::SigningKey;
use webhook_producer::store::{Registration, Store};
use world::{Call, World};

const URL: &str = "http://consumer.example/target";

/// Every route that needs the store.
const ROUTES: [(&str, &str); 4] = [
    ("GET", "/registrations"),
    ("DELETE", "/registrations?all=true"),
    ("POST", "/fire"),
    ("GET", "/healthz"),
];

fn assert_unavailable(world: &World, code: &str) {
    for (method, path) in ROUTES {
        let reply = world.send(Call::new(method, path));
        assert_eq!((reply.status(), reply.problem().as_str()), (503, code));
    }
    let reply = world.register(URL, "*");
    assert_eq!((reply.status(), reply.problem().as_str()), (503, code));
    assert_eq!(world.posted(), 0, "no consumer is called");
}

fn a_failing_server_is_a_503_whose_reason_is_only_logged() {
    let world = World::new();
    let failure = "connecting failed: db7 refused the connection";
    *world.store_fails.borrow_mut() = Some(failure.to_owned());
    assert_unavailable(&world, "store-unavailable");
    let reply = world.send(Call::new("GET", "/registrations"));
    assert!(!reply.text().contains("db7"), "{}", reply.text());
    assert!(world.logged().contains(failure), "{}", world.logged());
    *world.store_fails.borrow_mut() = None;
    assert_eq!(world.register(URL, "*").status(), 201);
}

#[test]
fn a_failing_postgresql_is_a_503_whose_reason_is_only_logged() {
    on_postgres(a_failing_server_is_a_503_whose_reason_is_only_logged);
}

#[test]
fn a_failing_redis_is_a_503_whose_reason_is_only_logged() {
    on_redis(a_failing_server_is_a_503_whose_reason_is_only_logged);
}

#[test]
fn a_missing_table_in_postgresql_is_a_503_that_names_the_migrations() {
    on_postgres(|| {
        let world = World::without_table();
        assert_unavailable(&world, "store-unavailable");
        let reply = world.send(Call::new("GET", "/healthz"));
        assert!(reply.text().contains("migrations.postgres.sql"));
    });
}

#[test]
fn an_unknown_table_in_postgresql_has_its_own_code() {
    on_postgres(|| {
        let world = World::without_table();
        world.run_on_server("CREATE TABLE webhook_registrations (url text)");
        assert_unavailable(&world, "store-structure");
        assert!(world.logged().contains("42703"), "{}", world.logged());
    });
}

#[test]
fn an_unknown_value_in_redis_has_its_own_code_and_is_left_alone() {
    on_redis(|| {
        let world = World::without_table();
        world.run_on_server("SET {webhook-registrations} other");
        for (method, path) in [("GET", "/healthz"), ("GET", "/registrations")] {
            let reply = world.send(Call::new(method, path));
            assert_eq!(reply.problem(), "store-structure", "{path}");
        }
        assert!(world.logged().contains("WRONGTYPE"), "{}", world.logged());

        world.run_on_server("DEL {webhook-registrations}");
        world.run_on_server("HSET {webhook-registrations} http://a/ s3cret");
        let reply = world.send(Call::new("GET", "/registrations"));
        assert_eq!(reply.problem(), "store-structure");
        assert!(!world.logged().contains("s3cret"), "{}", world.logged());
    });
}

#[test]
fn the_migrations_of_postgresql_can_run_again_and_concurrently() {
    on_postgres(|| {
        let world = World::new();
        world.register(URL, "*");
        let before = world.table();
        let url = world.store_url();
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let other = World::beside(&url);
                    start.wait();
                    other.migrate();
                });
            }
        });
        assert_eq!(world.table(), before);
    });
}

/// Stores a key for the same URL from eight processes at once, and returns the number that succeed.
fn race(world: &World, known: Option<&str>) -> usize {
    let url = world.store_url();
    let start = Barrier::new(8);
    let save = |number: usize| {
        let world = World::beside(&url);
        let registration = Registration {
            url: URL.to_owned(),
            event: "*".to_owned(),
            // Unlike any other, as generated keys are.
            key: SigningKey::from_text(format!("key {} {number}", unique())),
        };
        let known = known.map(|key| SigningKey::from_text(key.to_owned()));
        start.wait();
        let store = Store::select(&world).expect("a store");
        store
            .save_if_unchanged(&registration, known.as_ref())
            .expect("a result")
    };
    std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|number| scope.spawn(move || save(number)))
            .collect();
        let saved = racers
            .into_iter()
            .map(|racer| racer.join().expect("a racer"));
        saved.filter(|saved| *saved).count()
    })
}

fn of_concurrent_registrations_exactly_one_is_stored() {
    for _ in 0..10 {
        let world = World::new();
        assert_eq!(race(&world, None), 1, "new");
        assert_eq!(world.table().len(), 1);
        let key = world.table()[0][2].clone();
        assert_eq!(race(&world, Some(&key)), 1, "renewed");
        assert_eq!(world.table().len(), 1);
        assert_eq!(race(&world, Some("an outdated key")), 0, "outdated");
    }
}

#[test]
fn of_concurrent_registrations_in_postgresql_exactly_one_is_stored() {
    on_postgres(of_concurrent_registrations_exactly_one_is_stored);
}

#[test]
fn of_concurrent_registrations_in_redis_exactly_one_is_stored() {
    on_redis(of_concurrent_registrations_exactly_one_is_stored);
}

#[test]
fn an_invalid_store_url_is_reported_without_its_value() {
    for url in [
        "sqlite://file",
        "postgres:",
        "redis://",
        "s3cret",
        "mysql://user:s3cret@db.example/",
        "host=db.example password=s3cret",
    ] {
        let world = World::new();
        world.set("store_url", url);
        for (method, path) in ROUTES {
            let reply = world.send(Call::new(method, path));
            assert_eq!(reply.problem(), "bad-configuration", "{url}");
            assert!(reply.text().contains("`store_url`"), "{}", reply.text());
            assert!(!reply.text().contains("s3cret"), "{}", reply.text());
        }
        assert!(!world.logged().contains("s3cret"), "{}", world.logged());
    }
}
