//! Guarantees of the pages of a list of events.

use webhook_model::{Event, EventState, Rejected};
use webhook_store::{Cursor, EventFilter, ListedEvent, MAX_EXAMINED, PAGE_BYTES, StoreError};

use super::events::{ALL, ids, in_pages, in_state, name, page, plan, plan_accepted, reject};
use super::rejected::rejected;
use crate::world::{World, at, event};

/// Stores 36 events of all states, several of each moment. Returns their ids, the newest first.
async fn mixture(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for moment in 0..6 {
        let named = |n: usize| format!("e{moment}{n}");
        let few = (0..4).map(|n| event(&named(n))).collect::<Vec<_>>();
        reject(world, &format!("{moment}-0"), 10 * moment).await;
        reject(world, &format!("{moment}-1"), 10 * moment).await;
        if moment < 4 {
            plan(world, few, 10 * moment + 1).await;
        } else {
            world.accept(&few, 10 * moment + 1).await;
        }
        all.extend([format!("{moment}-0"), format!("{moment}-1")]);
        all.extend((0..4).map(named));
    }
    all.reverse();
    all
}

pub async fn pages_of_events_follow_each_other(world: World) {
    let all = mixture(&world).await;
    for limit in [1, 2, 5, 7, 35, 36, 37] {
        let listed = in_pages(&world, &ALL, limit).await;
        assert_eq!(listed, all, "in pages of {limit}");
    }
    let last = page(&world, &ALL, None, all.len()).await;
    assert_eq!(last.next_cursor, None, "nothing follows");
    for state in EventState::ALL {
        let filter = EventFilter {
            from: Some(at(10)),
            to: Some(at(50)),
            ..in_state(state)
        };
        let whole = in_pages(&world, &filter, 100).await;
        assert!(whole.len() > 3 && whole.len() < all.len());
        assert_eq!(in_pages(&world, &filter, 3).await, whole);
    }
}

pub async fn events_that_arrive_do_not_change_later_pages(world: World) {
    let all = mixture(&world).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    for n in 0.. {
        let page = page(&world, &ALL, cursor.as_ref(), 5).await;
        seen.extend(page.items.iter().map(|event| name(event).to_owned()));
        world.accept(&[event(&format!("new{n}"))], 100 + n).await;
        reject(&world, &format!("new{n}-0"), 100 + n).await;
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
}

pub async fn an_event_keeps_its_position_when_it_is_planned(world: World) {
    let accepted: Vec<_> = (0..12).map(|n| event(&format!("e{n:02}"))).collect();
    world.accept(&accepted, 5).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    for n in 0.. {
        let page = page(&world, &ALL, cursor.as_ref(), 2).await;
        seen.extend(page.items.iter().map(|event| name(event).to_owned()));
        for planned in [2 * n, 2 * n + 1] {
            plan_accepted(&world, &format!("e{planned:02}"), 10 + n).await;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> = accepted
        .iter()
        .rev()
        .map(|one| one.id.to_string())
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(ids(&world, &in_state(EventState::Planned)).await, expected);
    assert_eq!(ids(&world, &in_state(EventState::Accepted)).await, [""; 0]);
    let ListedEvent::Kept(newest) = page(&world, &ALL, None, 1).await.items.remove(0) else {
        panic!("it is planned")
    };
    assert_eq!(newest.accepted_at, at(5));
}

pub async fn an_event_of_a_rare_type_is_found_in_bounded_pages(world: World) {
    let rare = Event {
        kind: "rare".into(),
        ..event("rare")
    };
    plan(&world, vec![rare], 1).await;
    let many = 2 * MAX_EXAMINED + 10;
    for (batch, first) in (0..many).step_by(500).enumerate() {
        let some = (first..many.min(first + 500)).map(|n| event(&format!("e{n}")));
        plan(&world, some.collect(), 2 + batch as u64).await;
    }
    let filter = EventFilter {
        kind: Some("rare".into()),
        ..ALL
    };
    let (mut pages, mut cursor) = (Vec::new(), None);
    loop {
        let page = page(&world, &filter, cursor.as_ref(), 10).await;
        pages.push(page.items.len());
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, [0, 0, 1]);
}

pub async fn a_page_of_large_rejected_events_is_bounded(world: World) {
    let data = "x".repeat(PAGE_BYTES / 3);
    for n in 0..9 {
        let large = Rejected {
            tenant: Some(world.acme.clone()),
            fields: vec![("data".into(), data.clone().into())],
            ..rejected(&format!("{n}-0"), 10 * n)
        };
        world.store().reject(&[large]).await.unwrap();
        plan(&world, vec![event(&format!("e{n}"))], 10 * n + 1).await;
    }
    let first = page(&world, &ALL, None, 100).await;
    assert!((1..9).contains(&first.items.len()), "{}", first.items.len());
    let all = in_pages(&world, &ALL, 100).await;
    let expected = (0..9)
        .rev()
        .flat_map(|n| [format!("e{n}"), format!("{n}-0")]);
    assert!(all.into_iter().eq(expected));
}

pub async fn an_invalid_cursor_of_events_is_rejected(world: World) {
    plan(&world, vec![event("e")], 1).await;
    for bad in [
        "",
        "e",
        "ek",
        "ek1",
        "ekx-1",
        "d1-1",
        "r1-1",
        "1.e",
        "\u{1f980}",
    ] {
        let cursor = Cursor(bad.into());
        let refused = world
            .store()
            .events(&world.acme, &ALL, Some(&cursor), 5)
            .await;
        assert!(
            matches!(&refused, Err(StoreError::Cursor(text)) if text == bad),
            "{refused:?}"
        );
    }
}
