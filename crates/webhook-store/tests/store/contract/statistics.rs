//! Guarantees of statistics.

use std::time::Duration;

use webhook_model::{DeliveryId, EndpointId, Millis};
use webhook_store::{
    Counters, EndpointStats, HOURS_KEPT, Interval, MAX_RECENT, NextState, RecentAttempt,
};

use crate::world::{World, at, claimed, dead, due, event, failure, keyed, success};

const MINUTE: u64 = 60 * 1000;

/// Writes the counts, and returns the statistics of `orders`.
async fn stats(world: &World, by: Interval, from: Millis) -> EndpointStats {
    world.store().write_counts().await.unwrap();
    let stats = world
        .store()
        .endpoint_stats(&world.acme, &world.orders, by, from);
    stats.await.unwrap().unwrap()
}

/// Writes the counts, and returns the sums of `acme` by hour, from the start of the test on.
async fn sums(world: &World) -> Vec<Counters> {
    world.store().write_counts().await.unwrap();
    let sums = world
        .store()
        .tenant_stats(&world.acme, Interval::Hour, at(0));
    sums.await.unwrap().unwrap()
}

/// Returns the counts of each interval.
fn counts(series: &[Counters]) -> Vec<(Millis, u64, u64, u64)> {
    let series = series.iter();
    series
        .map(|it| (it.at, it.succeeded, it.failed, it.dead))
        .collect()
}

async fn prune(world: &World, now: Millis) {
    let old = now.before(HOURS_KEPT);
    while world.store().prune(now, old).await.unwrap() {}
}

pub async fn outcomes_are_counted_by_minute_and_by_hour(world: World) {
    let start = Interval::Hour.start(at(0));
    let minute = |n: u64| start.after(Duration::from_millis(n * MINUTE));
    let ms = |n: u64| minute(n).since(at(0)).as_millis() as u64;
    // In the second hour, and in the third.
    for (n, id) in [(61, "a"), (61, "b"), (62, "c"), (120, "d")] {
        let id = world.one(event(id), claimed(&world.orders), ms(n)).await;
        let outcome = world.outcome(
            &world.get(&id).await,
            Some(success(ms(n))),
            NextState::Succeeded,
        );
        let twice = [outcome.clone(), outcome.clone()];
        let recorded = world.store().complete(&world.owner, &twice, minute(n));
        assert_eq!(recorded.await.unwrap(), [true, true]);
        let again = std::slice::from_ref(&outcome);
        let again = world.store().complete(&world.owner, again, minute(n));
        assert_eq!(again.await.unwrap(), [true]);
    }
    let failing = world.one(event("f"), claimed(&world.orders), ms(62)).await;
    world.retry(&failing, ms(62), ms(62)).await;
    assert_eq!(
        world.claim_ids(ms(62)).await,
        std::slice::from_ref(&failing)
    );
    world.bury(&failing, ms(120)).await;
    let by_minute = stats(&world, Interval::Minute, minute(0)).await;
    let expected = [
        (minute(61), 2, 0, 0),
        (minute(62), 1, 1, 0),
        (minute(120), 1, 1, 1),
    ];
    assert_eq!(counts(&by_minute.series), expected);
    let total = Counters::total(&by_minute.series);
    assert_eq!((total.succeeded, total.failed, total.dead), (4, 2, 1));
    // All of them took 7 ms.
    let p50 = total.latencies.percentile(50).unwrap();
    assert!((6..=8).contains(&p50), "{p50}");
    let later = stats(&world, Interval::Minute, minute(62)).await;
    assert_eq!(counts(&later.series), expected[1..]);
    let by_hour = stats(&world, Interval::Hour, minute(0)).await;
    let expected = [(minute(60), 3, 1, 0), (minute(120), 1, 1, 1)];
    assert_eq!(counts(&by_hour.series), expected);
    // Old minutes become hours, and old hours are deleted.
    prune(&world, minute(60 * 10)).await;
    let by_hour = stats(&world, Interval::Hour, minute(0)).await;
    assert_eq!(counts(&by_hour.series), expected);
    assert_eq!(counts(&sums(&world).await), expected);
    let other = world.add("other").await;
    let unused = world
        .store()
        .endpoint_stats(&world.acme, &other, Interval::Hour, minute(0));
    assert_eq!(unused.await.unwrap(), Some(EndpointStats::default()));
}

pub async fn statistics_have_the_pending_deliveries(world: World) {
    world.one(event("a"), due(&world.orders, 70), 1).await;
    world.one(event("b"), due(&world.orders, 60), 1).await;
    world
        .one(event("c"), due(&world.orders, 80).ordered(), 1)
        .await;
    world
        .one(event("d"), due(&world.orders, 80).ordered(), 1)
        .await;
    let now = stats(&world, Interval::Minute, at(0)).await;
    assert_eq!((now.pending, now.oldest_due), (4, Some(at(60))));
    let id = world.claim_ids(65).await.remove(0);
    world.succeed(&id, 66).await;
    let now = stats(&world, Interval::Minute, at(0)).await;
    assert_eq!((now.pending, now.oldest_due), (3, Some(at(70))));
    let unknown = crate::world::endpoint_id("unknown");
    let unknown = world
        .store()
        .endpoint_stats(&world.acme, &unknown, Interval::Hour, at(0));
    assert_eq!(unknown.await.unwrap(), None);
}

pub async fn dead_letters_are_counted_whatever_their_cause(world: World) {
    let other = world.add("other").await;
    // Planning: a transform fails.
    let to = [dead(&world.orders, "no"), dead(&other, "no").ordered()];
    world.plan(event("planned"), &to, 1).await;
    // An outcome.
    let buried = world.one(event("buried"), claimed(&world.orders), 1).await;
    world.bury(&buried, 2).await;
    // An erasure: at once while it is pending, and with its outcome while it is in flight.
    let to = [due(&world.orders, 50), claimed(&other)];
    let erased = world.plan(event("erased"), &to, 1).await;
    let erasure = world.store().erase(&world.acme, "erased", at(3)).await;
    assert_eq!(erasure.unwrap().unwrap().deliveries, 2);
    assert_eq!(dead_of(&world, &world.orders).await, 3);
    assert_eq!(dead_of(&world, &other).await, 1);
    world.retry(&erased[1], 5, 4).await;
    assert_eq!(dead_of(&world, &other).await, 2);
    assert_eq!(Counters::total(&sums(&world).await).dead, 5);
    // A deletion of the endpoint, with deliveries that are due and that wait for their order.
    for id in ["a", "b"] {
        let delivery = due(&world.orders, 50).ordered();
        world.one(keyed(id, "k"), delivery, 5).await;
    }
    let flying = world.one(event("flies"), claimed(&world.orders), 5).await;
    let deleted = world
        .store()
        .delete_endpoint(&world.acme, &world.orders, at(6));
    assert!(deleted.await.unwrap());
    assert_eq!(Counters::total(&sums(&world).await).dead, 7);
    assert!(
        world
            .complete(&flying, None, NextState::Due(at(7)), 7)
            .await
    );
    let total = Counters::total(&sums(&world).await);
    assert_eq!((total.succeeded, total.failed, total.dead), (0, 2, 8));
}

/// Writes the counts, and returns the number of dead letters in the statistics of an endpoint.
async fn dead_of(world: &World, endpoint: &EndpointId) -> u64 {
    world.store().write_counts().await.unwrap();
    let stats = world
        .store()
        .endpoint_stats(&world.acme, endpoint, Interval::Minute, at(0));
    Counters::total(&stats.await.unwrap().unwrap().series).dead
}

pub async fn a_claim_that_is_returned_as_a_dead_letter_is_counted(world: World) {
    let to = [claimed(&world.orders)];
    world.plan(event("e"), &to, 1).await;
    let erased = world.store().erase(&world.acme, "e", at(2)).await;
    assert_eq!(erased.unwrap().unwrap().deliveries, 1);
    assert_eq!(dead_of(&world, &world.orders).await, 0);
    let released = world.store().release_lease(&world.owner, at(3)).await;
    released.unwrap();
    assert_eq!(dead_of(&world, &world.orders).await, 1);
    assert_eq!(Counters::total(&sums(&world).await).dead, 1);
}

pub async fn a_tenant_has_the_sums_of_its_endpoints(world: World) {
    assert_eq!(sums(&world).await, []);
    let other = world.add("other").await;
    let to = [claimed(&world.orders), claimed(&other)];
    let ids = world.plan(event("e"), &to, 1).await;
    world.succeed(&ids[0], 2).await;
    world.retry(&ids[1], 9, 2).await;
    let hour = Interval::Hour.start(at(0));
    assert_eq!(counts(&sums(&world).await), [(hour, 1, 1, 0)]);
    let later = world
        .store()
        .tenant_stats(&world.acme, Interval::Minute, at(10 * MINUTE));
    assert_eq!(later.await.unwrap(), Some(Vec::new()));
    let nobody = crate::world::tenant_id("nobody");
    let unknown = world.store().tenant_stats(&nobody, Interval::Hour, at(0));
    assert_eq!(unknown.await.unwrap(), None);
    world.store().put_tenant(&nobody).await.unwrap();
    let new = world.store().tenant_stats(&nobody, Interval::Hour, at(0));
    assert_eq!(new.await.unwrap(), Some(Vec::new()));
    world.store().delete_tenant(&world.acme).await.unwrap();
    world.store().put_tenant(&world.acme).await.unwrap();
    assert_eq!(sums(&world).await, []);
}

/// Returns the last attempts of `orders`.
async fn recent(world: &World) -> Vec<RecentAttempt> {
    stats(world, Interval::Minute, at(0)).await.recent
}

pub async fn the_last_attempts_of_an_endpoint_are_kept(mut world: World) {
    assert_eq!(recent(&world).await, []);
    let old = world.one(event("old"), claimed(&world.orders), 1).await;
    world.retry(&old, 500, 1).await;
    let mut expected = vec![RecentAttempt::from(&failure(1))];
    for n in 0..MAX_RECENT as u64 + 5 {
        let id: DeliveryId = world
            .one(event(&format!("e{n}")), claimed(&world.orders), 10 + n)
            .await;
        world.succeed(&id, 10 + n).await;
        expected.push(RecentAttempt::from(&success(10 + n)));
    }
    // An attempt of the oldest delivery is the newest one.
    assert_eq!(world.claim_ids(500).await, std::slice::from_ref(&old));
    let last = world.outcome(
        &world.get(&old).await,
        Some(failure(501)),
        NextState::Dead("gave up".into()),
    );
    for _ in 0..2 {
        let recorded = world
            .store()
            .complete(&world.owner, std::slice::from_ref(&last), at(501));
        assert_eq!(recorded.await.unwrap(), [true]);
    }
    expected.push(RecentAttempt::from(&failure(501)));
    expected.reverse();
    expected.truncate(MAX_RECENT);
    assert_eq!(recent(&world).await, expected);
    world.restart(600).await;
    assert_eq!(recent(&world).await, expected);
    let other = world.add("other").await;
    let unused = world
        .store()
        .endpoint_stats(&world.acme, &other, Interval::Hour, at(0));
    assert_eq!(unused.await.unwrap().unwrap().recent, []);
}

pub async fn counts_are_written_when_the_lease_is_released_and_on_request(mut world: World) {
    for (n, id) in [(1, "released"), (2, "asked"), (3, "killed")] {
        let id = world.one(event(id), claimed(&world.orders), 10 * n).await;
        world.succeed(&id, 10 * n).await;
        match n {
            1 => world.store().release_lease(&world.owner, at(11)).await,
            2 => world.store().write_counts().await,
            _ => Ok(()),
        }
        .unwrap();
        world.restart(10 * n + 5).await;
    }
    // A process that is killed loses the counts of its last second, but no outcome.
    let now = stats(&world, Interval::Minute, at(0)).await;
    assert_eq!(Counters::total(&now.series).succeeded, 2);
    let times: Vec<_> = now.recent.iter().map(|attempt| attempt.at).collect();
    assert_eq!(times, [at(20), at(10)]);
    assert_eq!(Counters::total(&sums(&world).await).succeeded, 2);
}

pub async fn counts_of_a_deleted_endpoint_are_kept_in_the_sums_alone(world: World) {
    let other = world.add("other").await;
    for endpoint in [&world.orders, &other] {
        let id = world
            .one(event(endpoint.as_str()), claimed(endpoint), 1)
            .await;
        world.succeed(&id, 2).await;
    }
    let deleted = world.store().delete_endpoint(&world.acme, &other, at(3));
    assert!(deleted.await.unwrap());
    world.store().write_counts().await.unwrap();
    assert_eq!(Counters::total(&sums(&world).await).succeeded, 2);
    assert_eq!(recent(&world).await, [RecentAttempt::from(&success(2))]);
}
