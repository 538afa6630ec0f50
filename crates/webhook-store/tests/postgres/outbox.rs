//! Rows of an outbox in the database of the store.

use test_support::postgres::{Fsync, PostgresServer};
use webhook_model::{Event, Owner, Source};
use webhook_store::postgres::{OutboxTable, PostgresStore};
use webhook_store::{
    Acceptance, Fence, InitialState, PlanBatch, PlanResult, Planned, Queue, StoreError, Tenants,
};

use crate::world::{acme, at, event, open, owner, planned, set_up};

const TABLE: &str = "\"public\".\"rows\"";

struct World {
    server: PostgresServer,
    store: PostgresStore,
    owner: Owner,
}

impl World {
    /// Creates a table with ten rows.
    async fn new() -> Self {
        let server = PostgresServer::start(Fsync::Off).await;
        server.sql(&format!("CREATE TABLE {TABLE} (id bigint PRIMARY KEY)"));
        server.sql(&format!(
            "INSERT INTO {TABLE} SELECT * FROM generate_series(1, 10)"
        ));
        let mut store = open(&server.url()).await;
        let table = OutboxTable {
            source: "shop".into(),
            table: TABLE.into(),
        };
        store.remove_from(&[table]).await.unwrap();
        let owner = owner("a");
        set_up(&store, &owner).await;
        Self {
            server,
            store,
            owner,
        }
    }

    fn rows(&self) -> String {
        self.server.sql(&format!(
            "SELECT string_agg(id::text, ' ' ORDER BY id) FROM {TABLE}"
        ))
    }

    async fn plan(&self, events: Vec<Event>) -> Result<PlanResult, StoreError> {
        let events = events
            .into_iter()
            .map(|event| planned(event, InitialState::Claimed));
        let (version, _) = self.store.endpoints(&acme()).await.unwrap().unwrap();
        let batch = PlanBatch {
            tenant: acme(),
            version,
            fence: Fence::new(at(1)),
            events: events.collect(),
            accepted: false,
        };
        self.store.plan(&self.owner, batch, at(1)).await
    }
}

/// Returns an event that was read from a row.
fn from_row(id: &str, row: i64) -> Event {
    Event {
        source: Source::named("shop").with_row(row),
        ..event(id)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_and_an_acceptance_remove_the_rows_of_their_new_events() {
    let world = World::new().await;
    // One event, and more than one statement plans.
    let one = world.plan(vec![from_row("one", 1)]).await.unwrap();
    assert!(matches!(&one, PlanResult::Done(all) if matches!(all[..], [Planned::New { .. }])));
    assert_eq!(world.rows(), "2 3 4 5 6 7 8 9 10");
    let mut other = from_row("two", 2);
    other.data = "\"other\"".into();
    let twice = vec![from_row("two", 3), other, from_row("three", 4)];
    let planned = world.plan(twice).await.unwrap();
    let PlanResult::Done(planned) = planned else {
        panic!("{planned:?}")
    };
    assert_eq!(planned[1], Planned::Conflict);
    // The row of the conflict is kept: it is to be rejected first.
    assert_eq!(world.rows(), "2 5 6 7 8 9 10");
    let mut conflict = from_row("five", 6);
    conflict.data = "\"other\"".into();
    let events = [from_row("five", 5), conflict, from_row("seven", 7)];
    let accepted = world.store.accept(&acme(), &events, at(2)).await.unwrap();
    assert_eq!(
        accepted,
        [Acceptance::New, Acceptance::Conflict, Acceptance::New]
    );
    assert_eq!(world.rows(), "2 6 8 9 10");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_row_cannot_be_removed_is_not_kept() {
    let world = World::new().await;
    world.server.sql(&format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'the row stays'; END $$;
        CREATE TRIGGER refuse BEFORE DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION refuse()"
    ));
    let events = || vec![from_row("one", 1)];
    world.plan(events()).await.unwrap_err();
    let two = vec![from_row("one", 1), from_row("one", 2)];
    world.plan(two).await.unwrap_err();
    world
        .store
        .accept(&acme(), &events(), at(1))
        .await
        .unwrap_err();
    assert_eq!(
        world
            .server
            .sql("SELECT count(*) FROM webhook_sender.events"),
        "0"
    );
    world.server.sql(&format!("DROP TRIGGER refuse ON {TABLE}"));
    world.plan(events()).await.unwrap();
    assert_eq!(world.rows(), "2 3 4 5 6 7 8 9 10");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_source_in_another_database_are_not_touched() {
    let world = World::new().await;
    let mut elsewhere = from_row("one", 1);
    elsewhere.source = Source::named("elsewhere").with_row(1);
    world.plan(vec![elsewhere]).await.unwrap();
    assert_eq!(world.rows(), "1 2 3 4 5 6 7 8 9 10");
}
