//! Tests of the lists of events.

use webhook_model::{EventId, EventState};
use webhook_store::{EventFilter, InitialState, ListedEvent, PlanBatch, Queries, Queue, Tenants};

use crate::world::{PLANNED, World, at, owner, plan, planned, tenant};

#[tokio::test]
async fn an_event_that_an_earlier_version_stored_is_found_and_not_listed() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    plan(&store, &owner, "old", InitialState::Due(at(9)), 5)
        .await
        .unwrap();
    // Earlier versions had no such set.
    world.command(&["DEL", "ws:{acme}:ep"]).await;
    plan(&store, &owner, "new", InitialState::Due(at(9)), 6)
        .await
        .unwrap();
    let (acme, id) = (tenant("acme"), EventId::parse("old").unwrap());
    let old = store.event_details(&acme, &id).await.unwrap().unwrap();
    assert_eq!((old.event.id, old.accepted_at), (id, at(5)));
    assert_eq!(old.state, EventState::Planned);
    let all = store.events(&acme, &EventFilter::default(), None, 9).await;
    assert_eq!(all.unwrap().items.len(), 1);
}

#[tokio::test]
async fn an_event_that_an_earlier_version_accepted_is_listed_once_it_is_planned() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    let acme = tenant("acme");
    let one = |id| planned(&acme, id, "orders", InitialState::Due(at(9)), 10);
    let (old, new) = (one("old"), one("new"));
    let accepted = [old.event.clone(), new.event.clone()];
    store.accept(&acme, &accepted[..1], at(5)).await.unwrap();
    // Earlier versions had no such set.
    world.command(&["DEL", "ws:{acme}:ea"]).await;
    store.accept(&acme, &accepted[1..], at(6)).await.unwrap();
    let (version, _) = store.endpoints(&acme).await.unwrap().unwrap();
    let taken = store.begin_planning(&owner, &acme, 9).await.unwrap();
    assert_eq!(taken.len(), 2);
    let batch = PlanBatch {
        tenant: acme.clone(),
        version,
        fence: PLANNED,
        events: vec![old, new],
        accepted: true,
    };
    store.plan(&owner, batch, at(7)).await.unwrap();
    let all = store.events(&acme, &EventFilter::default(), None, 9).await;
    let all = all.unwrap().items.into_iter().map(|listed| match listed {
        ListedEvent::Kept(event) => (event.id.to_string(), event.accepted_at),
        ListedEvent::Rejected(rejected) => panic!("{rejected:?}"),
    });
    let expected = [("old".to_owned(), at(7)), ("new".to_owned(), at(6))];
    assert!(all.eq(expected));
}

/// Returns the number of calls of a command since the statistics were reset.
async fn calls(world: &World, command: &str) -> u64 {
    let stats = world.command(&["INFO", "commandstats"]).await;
    let stats: String = redis::from_redis_value(stats).unwrap();
    let name = format!("cmdstat_{command}:calls=");
    let line = stats.lines().find_map(|line| line.strip_prefix(&name));
    let count = line.and_then(|line| line.split(',').next());
    count.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn a_page_reads_as_little_of_many_events_as_of_few() {
    let world = World::new().await;
    let owner = owner("a");
    let store = world.store(&owner).await;
    let acme = tenant("acme");
    let (version, _) = store.endpoints(&acme).await.unwrap().unwrap();
    let one = |n| {
        planned(
            &acme,
            &format!("e{n}"),
            "orders",
            InitialState::Due(at(9)),
            10,
        )
    };
    for ms in 0..5 {
        let batch = PlanBatch {
            tenant: acme.clone(),
            version,
            fence: PLANNED,
            events: (600 * ms..600 * (ms + 1)).map(one).collect(),
            accepted: false,
        };
        store.plan(&owner, batch, at(ms)).await.unwrap();
    }
    let mut cursor = None;
    for _ in 0..3 {
        world.command(&["CONFIG", "RESETSTAT"]).await;
        let filter = EventFilter::default();
        let page = store.events(&acme, &filter, cursor.as_ref(), 10).await;
        cursor = page.unwrap().next_cursor;
        assert!(cursor.is_some());
        assert_eq!(calls(&world, "getrange").await, 11);
        assert_eq!(
            calls(&world, "zrevrangebyscore").await,
            3,
            "one for each state"
        );
    }
}
