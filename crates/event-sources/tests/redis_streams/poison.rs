//! Entries that are never planned.

use std::time::Duration;

use event_sources::SinkError;

use crate::world::{Recorder, World};

#[tokio::test]
async fn an_entry_that_always_fails_is_given_up_and_holds_up_nothing() {
    let world = World::new().await;
    let ids = world.publish_all(0..4).await;
    let sink = Recorder::new();
    let bad = ids[1].clone();
    sink.judge(move |taken| match (&taken.content, taken.id == bad) {
        (Ok(_), true) => Err(SinkError::Failed("the planner fell over".into())),
        _ => Ok(()),
    });
    let running = world.intake("a", &sink);
    world.acknowledged(&running, 4).await;
    let taken = sink.taken(4).await;
    let given_up: Vec<_> = taken
        .iter()
        .filter(|taken| taken.content.is_err())
        .collect();
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].id, ids[1]);
    let rejected = given_up[0].content.as_ref().unwrap_err();
    assert_eq!(
        (rejected.code.as_str(), &rejected.id),
        ("poison", &given_up[0].derived)
    );
    let tries = taken.iter().filter(|taken| taken.id == ids[1]).count();
    assert_eq!(tries, 6, "five tries, and once as a dead letter");
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn an_entry_that_kills_the_process_is_given_up_and_takes_no_other_along() {
    let world = World::new().await;
    // Where all tenants were given at once, it would be under way in every crash.
    world.publish_for("innocent", 1).await;
    let ids = world.publish_all(0..6).await;
    let mut crashes = 0;
    let mut planned = Vec::new();
    loop {
        let sink = Recorder::new();
        sink.slow_down("innocent", Duration::from_millis(50));
        let bad = ids[2].clone();
        // A crash in the middle of a call: nothing of it is answered.
        let deadly = move |taken: &event_sources::Taken| taken.content.is_ok() && taken.id == bad;
        let is_deadly = deadly.clone();
        let (crashed, mut crash) = tokio::sync::watch::channel(false);
        let recorder = sink.clone();
        sink.judge(move |taken| {
            if is_deadly(taken) {
                recorder.hold(true);
                crashed.send_replace(true);
            }
            Ok(())
        });
        let running = world.intake("a", &sink);
        let finished = async {
            loop {
                let stats = running.stats.snapshot();
                let all = planned.len() as u64 + stats.acknowledged;
                if all >= 7 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let dead = tokio::select! {
            _ = crash.wait_for(|crashed| *crashed) => true,
            () = test_support::within_patience(finished, || "an end".into()) => false,
        };
        if !dead {
            let poison = running.stats.snapshot().poison;
            assert_eq!(poison, 1, "one is to blame");
            let taken = sink.taken(1).await;
            let given_up = taken.iter().find(|taken| taken.content.is_err()).unwrap();
            assert_eq!(given_up.id, ids[2]);
            break;
        }
        crashes += 1;
        let acknowledged = running.stats.snapshot().acknowledged;
        running.crash().await;
        planned.extend(std::iter::repeat_n((), acknowledged as usize));
        assert!(crashes <= 5, "it goes on for ever");
    }
    assert_eq!(crashes, 5);
    assert_eq!(world.pending().await, 0);
}

#[tokio::test]
async fn a_store_out_of_reach_makes_no_poison() {
    let world = World::new().await;
    let ids = world.publish_all(0..2).await;
    let sink = Recorder::new();
    sink.judge(|_| Err(SinkError::Unavailable("no store".into())));
    let running = world.intake("a", &sink);
    // Longer than an entry that is to blame would be borne with.
    sink.taken(20).await;
    sink.judge(|_| Ok(()));
    world.acknowledged(&running, 2).await;
    let taken = sink.taken(2).await;
    assert!(
        taken
            .iter()
            .all(|taken| taken.content.is_ok() && ids.contains(&taken.id))
    );
}

#[tokio::test]
async fn a_store_that_stays_out_of_reach_while_readers_come_and_go_makes_no_poison() {
    let world = World::new().await;
    let ids = world.publish_all(0..2).await;
    for round in 0..8 {
        let sink = Recorder::new();
        sink.judge(|_| Err(SinkError::Unavailable("no store".into())));
        let running = world.intake("a", &sink);
        // Given again, it has been noted that it was in vain.
        sink.taken(3).await;
        match round % 2 {
            0 => running.stop().await,
            _ => running.crash().await,
        }
    }
    let sink = Recorder::new();
    let running = world.intake("a", &sink);
    world.acknowledged(&running, 2).await;
    assert!(sink.taken(2).await.iter().all(|one| one.content.is_ok()));
    assert_eq!(sink.ids(), ids);
}

#[tokio::test]
async fn what_is_planned_is_acknowledged_beside_what_fails() {
    let world = World::new().await;
    let ids = world.publish_all(0..3).await;
    let sink = Recorder::new();
    let bad = ids[0].clone();
    sink.judge(move |taken| match taken.id == bad {
        true => Err(SinkError::Unavailable("no store".into())),
        false => Ok(()),
    });
    let running = world.intake("a", &sink);
    sink.taken(6).await;
    // The others were given once.
    assert_eq!(sink.ids().iter().filter(|id| **id == ids[1]).count(), 1);
    sink.judge(|_| Ok(()));
    world.acknowledged(&running, 3).await;
}
