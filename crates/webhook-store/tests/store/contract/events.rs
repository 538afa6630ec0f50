//! Guarantees of events and their lists.

use webhook_model::{Event, EventState, Rejected, Source};
use webhook_store::{
    Cursor, EventDetails, EventFilter, EventSummary, ListedEvent, Page, RejectedFilter,
};

use super::rejected::rejected;
use crate::world::{DAY, World, at, claimed, dead, due, event, planned, tenant_id};

pub(super) const ALL: EventFilter = EventFilter {
    kind: None,
    state: None,
    source: None,
    from: None,
    to: None,
};

pub(super) fn in_state(state: EventState) -> EventFilter {
    EventFilter {
        state: Some(state),
        ..ALL
    }
}

pub(super) fn name(listed: &ListedEvent) -> &str {
    match listed {
        ListedEvent::Kept(event) => event.id.as_str(),
        ListedEvent::Rejected(rejected) => &rejected.id,
    }
}

pub(super) async fn page(
    world: &World,
    filter: &EventFilter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Page<ListedEvent> {
    let page = world.store().events(&world.acme, filter, cursor, limit);
    page.await.unwrap()
}

/// Returns the ids of all matching events, fetched in pages.
pub(super) async fn in_pages(world: &World, filter: &EventFilter, limit: usize) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(world, filter, cursor.as_ref(), limit).await;
        assert!(page.items.len() <= limit);
        all.extend(page.items.iter().map(|event| name(event).to_owned()));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return all;
        }
    }
}

pub(super) async fn ids(world: &World, filter: &EventFilter) -> Vec<String> {
    in_pages(world, filter, 100).await
}

pub(super) async fn reject(world: &World, id: &str, ms: u64) -> Rejected {
    let rejected = Rejected {
        tenant: Some(world.acme.clone()),
        ..rejected(id, ms)
    };
    let one = std::slice::from_ref(&rejected);
    world.store().reject(one).await.unwrap();
    rejected
}

/// Plans events without deliveries.
pub(super) async fn plan(world: &World, events: Vec<Event>, ms: u64) {
    let events = events.into_iter();
    let events = events.map(|event| planned(&world.acme, event, &[]));
    let (owner, tenant) = (&world.owner, &world.acme);
    world.plan_as(owner, tenant, events.collect(), ms).await;
}

/// Plans the oldest accepted event, whose id is `id`.
pub(super) async fn plan_accepted(world: &World, id: &str, ms: u64) {
    let first = planned(&world.acme, event(id), &[due(&world.orders, ms)]);
    world.plan_accepted(vec![first], ms).await;
}

async fn details(world: &World, id: &str) -> Option<EventDetails> {
    let id = event(id).id;
    let found = world.store().event_details(&world.acme, &id).await;
    found.unwrap()
}

pub async fn an_event_is_listed_with_all_fields_but_its_data(world: World) {
    let full = Event {
        kind: "käse.gereift".into(),
        at: at(77),
        ordering_key: Some("käse".into()),
        source: Source::named("orders"),
        ..event("full")
    };
    let summary = |event: &Event, state, ms| EventSummary {
        id: event.id.clone(),
        kind: event.kind.clone(),
        at: event.at,
        ordering_key: event.ordering_key.clone(),
        source: event.source.clone(),
        accepted_at: at(ms),
        state,
        erased: false,
    };
    world.plan(full.clone(), &[due(&world.orders, 9)], 5).await;
    world.accept(&[event("plain")], 6).await;
    let rejected = reject(&world, "1-0", 7).await;
    let listed = page(&world, &ALL, None, 100).await.items;
    let expected = [
        ListedEvent::Rejected(rejected),
        ListedEvent::Kept(summary(&event("plain"), EventState::Accepted, 6)),
        ListedEvent::Kept(summary(&full, EventState::Planned, 5)),
    ];
    assert_eq!(listed, expected);
}

pub async fn an_event_is_found_with_its_state_and_its_source(world: World) {
    let source = Source::named("orders");
    let from_orders = |id: &str| Event {
        source: source.clone(),
        ..event(id)
    };
    world.accept(&[from_orders("e")], 5).await;
    let accepted = EventDetails {
        event: from_orders("e"),
        accepted_at: at(5),
        state: EventState::Accepted,
    };
    assert_eq!(details(&world, "e").await, Some(accepted.clone()));
    let taken = world.store().begin_planning(&world.owner, &world.acme, 9);
    assert_eq!(taken.await.unwrap()[0].event.source, source);
    let first = planned(&world.acme, from_orders("e"), &[due(&world.orders, 9)]);
    world.plan_accepted(vec![first], 8).await;
    let planned = EventDetails {
        state: EventState::Planned,
        ..accepted
    };
    assert_eq!(details(&world, "e").await, Some(planned));
    assert_eq!(details(&world, "other").await, None);
    let (nobody, id) = (tenant_id("nobody"), event("e").id);
    let of_nobody = world.store().event_details(&nobody, &id);
    assert_eq!(of_nobody.await.unwrap(), None);
}

pub async fn the_source_of_a_known_event_stays(world: World) {
    world.plan(event("e"), &[], 1).await;
    let again = Event {
        source: Source::named("another"),
        ..event("e")
    };
    plan(&world, vec![again.clone()], 2).await;
    world.accept(&[again], 3).await;
    let stored = details(&world, "e").await.unwrap();
    assert_eq!(
        (stored.event.source, stored.accepted_at),
        (Source::API, at(1))
    );
}

pub async fn every_filter_selects_its_events(world: World) {
    let of_kind = |id: &str, kind: &str| Event {
        kind: kind.into(),
        ..event(id)
    };
    let of_source = |id: &str, source| Event {
        source,
        ..event(id)
    };
    plan(&world, vec![of_kind("paid", "order.paid")], 10).await;
    plan(
        &world,
        vec![of_source("streamed", Source::named("stream"))],
        20,
    )
    .await;
    world.accept(&[of_kind("late", "order.paid")], 30).await;
    let unplannable = Rejected {
        id: "no".into(),
        tenant: Some(world.acme.clone()),
        fields: vec![("type".into(), "order.paid".into())],
        ..rejected("no", 40)
    };
    world.store().reject(&[unplannable]).await.unwrap();
    let kind = |kind: &str| EventFilter {
        kind: Some(kind.into()),
        ..ALL
    };
    let source = |source: Source| EventFilter {
        source: Some(source),
        ..ALL
    };
    let span = |from, to| EventFilter {
        from: Some(at(from)),
        to: Some(at(to)),
        ..ALL
    };
    for (filter, expected) in [
        (ALL, &["no", "late", "streamed", "paid"][..]),
        (kind("order.paid"), &["no", "late", "paid"]),
        (kind("order.*"), &[]),
        (source(Source::named("stream")), &["no", "streamed"]),
        (source(Source::named("other")), &[]),
        (in_state(EventState::Accepted), &["late"]),
        (in_state(EventState::Planned), &["streamed", "paid"]),
        (in_state(EventState::Rejected), &["no"]),
        (span(10, 41), &["no", "late", "streamed", "paid"]),
        (span(20, 40), &["late", "streamed"]),
        (span(11, 20), &[]),
        (
            EventFilter {
                kind: Some("order.paid".into()),
                source: Some(Source::API),
                ..span(0, 30)
            },
            &["paid"],
        ),
    ] {
        assert_eq!(ids(&world, &filter).await, expected, "{filter:?}");
    }
}

pub async fn pruned_events_leave_the_list(world: World) {
    world.plan(event("bare"), &[], 1).await;
    let done = world.one(event("done"), claimed(&world.orders), 2).await;
    world.succeed(&done, 3).await;
    world.one(event("pending"), due(&world.orders, 9), 4).await;
    reject(&world, "1-0", 5).await;
    world.accept(&[event("accepted")], 6).await;
    let all = ["accepted", "1-0", "pending", "done", "bare"];
    assert_eq!(ids(&world, &ALL).await, all);
    let later = at(3 * DAY);
    world.recover(3 * DAY).await;
    while world.store().prune(later, later).await.unwrap() {}
    assert_eq!(ids(&world, &ALL).await, ["accepted", "pending"]);
    // An event that is planned late is kept as long as its deliveries.
    let last = planned(&world.acme, event("accepted"), &[dead(&world.orders, "no")]);
    world.plan_accepted(vec![last], 3 * DAY).await;
    while world.store().prune(later, later).await.unwrap() {}
    assert_eq!(ids(&world, &ALL).await, ["accepted", "pending"]);
    let later = at(5 * DAY);
    world.recover(5 * DAY).await;
    while world.store().prune(later, later).await.unwrap() {}
    assert_eq!(ids(&world, &ALL).await, ["pending"]);
}

pub async fn an_event_that_becomes_rejected_is_listed_once(world: World) {
    world.accept(&[event("poison")], 1).await;
    reject(&world, "acme.1.poison", 2).await;
    let id = event("poison").id;
    world
        .store()
        .discard_accepted(&world.acme, &id, 0)
        .await
        .unwrap();
    assert_eq!(ids(&world, &ALL).await, ["acme.1.poison"]);
    let taken = world.store().take_rejected("acme.1.poison").await.unwrap();
    assert!(taken.is_some());
    assert_eq!(ids(&world, &ALL).await, [""; 0]);
}

pub async fn a_list_has_no_events_of_another_tenant(world: World) {
    let globex = tenant_id("globex");
    world.store().put_tenant(&globex).await.unwrap();
    let theirs = planned(&globex, event("theirs"), &[]);
    world.plan_as(&world.owner, &globex, vec![theirs], 1).await;
    let accepted = [event("theirs_too")];
    world
        .store()
        .accept(&globex, &accepted, at(2))
        .await
        .unwrap();
    let of_globex = Rejected {
        tenant: Some(globex.clone()),
        ..rejected("1-0", 3)
    };
    let all = [of_globex, rejected("2-0", 4)];
    world.store().reject(&all).await.unwrap();
    assert_eq!(ids(&world, &ALL).await, [""; 0]);
    assert_eq!(details(&world, "theirs").await, None);
    let list = async || world.store().events(&globex, &ALL, None, 9).await.unwrap();
    assert_eq!(list().await.items.len(), 3);
    assert!(world.store().delete_tenant(&globex).await.unwrap());
    assert_eq!(list().await.items, []);
    world.store().put_tenant(&globex).await.unwrap();
    assert_eq!(list().await.items, []);
    let left = world.store().rejected(&RejectedFilter::All, None, 9).await;
    assert_eq!(left.unwrap().items.len(), 1);
}

pub async fn a_stored_event_is_in_lists_when_the_call_returns(world: World) {
    for n in 0..50 {
        let id = format!("e{n}");
        world.accept(&[event(&id)], n).await;
        let filter = in_state(EventState::Accepted);
        assert_eq!(ids(&world, &filter).await, std::slice::from_ref(&id));
        plan_accepted(&world, &id, n).await;
        assert_eq!(ids(&world, &filter).await, [""; 0]);
        let newest = page(&world, &ALL, None, 1).await.items;
        assert_eq!(name(&newest[0]), id);
    }
}
