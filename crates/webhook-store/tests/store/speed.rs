//! Measures the time that a store needs for a delivery. It prints results and asserts nothing.
//!
//! ```text
//! cargo test -p webhook-store --release --test store -- --ignored --nocapture speed
//! ```

use std::time::{Duration, Instant};

use webhook_model::{
    Attempt, Event, Exchange, HeaderBlock, Protocol, ReceivedParts, RequestRecord,
};
use webhook_store::{Claim, InitialState, NextState, Outcome};

use crate::world::{To, World, at, claimed, due, event, planned, success};

const DELIVERIES: usize = 100_000;
const BATCH: usize = 256;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn sqlite() {
    let claimed_at_once = |world: &World| claimed(&world.orders);
    measure(
        "planned as claimed",
        crate::stores::sqlite::world().await,
        claimed_at_once,
    )
    .await;
    let due_first = |world: &World| due(&world.orders, 1);
    measure(
        "planned as due",
        crate::stores::sqlite::world().await,
        due_first,
    )
    .await;
}

/// Plans and completes deliveries of 1 KiB in batches.
async fn measure(what: &str, world: World, to: impl Fn(&World) -> To) {
    let to = to(&world);
    let mut parts = [
        ("plan", Span::default()),
        ("claim", Span::default()),
        ("complete", Span::default()),
    ];
    let [(_, plan), (_, claim), (_, complete)] = &mut parts;
    let mut ms = 1;
    for batch in 0..DELIVERIES.div_ceil(BATCH) {
        ms += 3;
        let events =
            (0..BATCH).map(|n| planned(&world.acme, body(batch, n), std::slice::from_ref(&to)));
        let events: Vec<_> = events.collect();
        let ids: Vec<_> = events
            .iter()
            .map(|event| event.deliveries[0].id.clone())
            .collect();
        let began = Began::now();
        world.plan_as(&world.owner, &world.acme, events, ms).await;
        plan.add(began);
        let mut outcomes: Vec<_> = ids.into_iter().map(|id| outcome(&world, id, ms)).collect();
        if to.start != InitialState::Claimed {
            let began = Began::now();
            let claims = world.claim(&world.orders, BATCH, ms).await;
            claim.add(began);
            outcomes = claims
                .into_iter()
                .map(|claim: Claim| outcome(&world, claim.id, ms))
                .collect();
        }
        assert_eq!(outcomes.len(), BATCH);
        let began = Began::now();
        let accepted = world
            .store()
            .complete(&world.owner, &outcomes, at(ms))
            .await
            .unwrap();
        complete.add(began);
        assert!(accepted.into_iter().all(|accepted| accepted));
    }
    println!("{what}: {DELIVERIES} deliveries of 1 KiB in batches of {BATCH}, each");
    for (name, span) in parts {
        let of_one = |time: Duration| time.as_secs_f64() * 1e6 / DELIVERIES as f64;
        println!(
            "  {name:8} {:6.1} us, {:6.1} us of CPU",
            of_one(span.wall),
            of_one(span.cpu)
        );
    }
}

fn body(batch: usize, n: usize) -> Event {
    // Ids are as random as real ones.
    let random: [u8; 16] = rand::random();
    let id = format!("evt_{}", hex::encode(random));
    Event {
        data: format!("{batch}/{n} {}", "x".repeat(1_014)).into(),
        ..event(&id)
    }
}

fn outcome(world: &World, id: webhook_model::DeliveryId, ms: u64) -> Outcome {
    let (tenant, endpoint) = (world.acme.clone(), world.orders.clone());
    Outcome {
        tenant,
        fence: world.fence(&id),
        id,
        endpoint,
        attempt: Some(Attempt {
            exchange: exchange(),
            ..success(ms)
        }),
        next: NextState::Succeeded,
    }
}

/// Returns an exchange of the usual size, with the signatures of the default schemes.
fn exchange() -> Exchange {
    let mut request = RequestRecord::new("https://hooks.example.com/orders");
    request.shown("Content-Type", "application/json");
    request.shown("User-Agent", "webhook-sender/0.1.0");
    let (tag, base64) = ("0".repeat(64), "0".repeat(44));
    let signatures = [
        ("X-WSS-Timestamp", "1800000000"),
        ("X-WSS-Signature", &*tag),
        ("webhook-id", "evt_0123456789abcdef0123456789abcdef"),
        ("webhook-timestamp", "1800000000"),
        ("webhook-signature", &*base64),
    ];
    let mut headers = HeaderBlock::default();
    headers.push("content-length", b"2");
    headers.push("date", b"Mon, 30 Nov 2026 09:00:00 GMT");
    let response = ReceivedParts {
        protocol: Protocol::Http1,
        headers: &headers,
        body: b"ok",
        body_bytes: 2,
    };
    request.exchange(signatures, 1024, Some(&response))
}

#[derive(Default)]
struct Span {
    wall: Duration,
    cpu: Duration,
}

struct Began {
    wall: Instant,
    cpu: Duration,
}

impl Began {
    fn now() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu(),
        }
    }
}

impl Span {
    fn add(&mut self, began: Began) {
        self.wall += began.wall.elapsed();
        self.cpu += cpu().saturating_sub(began.cpu);
    }
}

/// Returns the CPU time of this process.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let nanos = tasks.filter_map(|task| -> Option<u64> {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    });
    Duration::from_nanos(nanos.sum())
}
