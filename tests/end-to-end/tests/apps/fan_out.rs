//! `POST /fire` with many consumers, some of which misbehave.

use serde_json::Value;
use test_support::{Behaviour, Receiver};

use crate::consumer::tag;
use crate::producer::Producer;

const CONSUMERS: usize = 50;

/// The behaviour of a consumer, which determines its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Accepts,
    Fails,
    Hangs,
    /// Responds once every consumer has its request, including those that hang.
    RespondsLate,
    Closes,
    Redirects,
    Drips,
    Floods,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Accepts,
        Self::Fails,
        Self::Hangs,
        Self::RespondsLate,
        Self::Closes,
        Self::Redirects,
        Self::Drips,
        Self::Floods,
    ];

    fn of(index: usize) -> Self {
        Self::ALL[index % Self::ALL.len()]
    }

    fn behaviour(self, receiver: &Receiver) -> Behaviour {
        match self {
            Self::Accepts => Behaviour::status(204),
            Self::Fails => Behaviour::status(500).body("no"),
            Self::Hangs => Behaviour::hang(),
            Self::RespondsLate => Behaviour::status(202).after_arrivals(CONSUMERS),
            Self::Closes => Behaviour::close(),
            Self::Redirects => Behaviour::redirect(&receiver.url("/elsewhere")),
            Self::Drips => Behaviour::drip(),
            Self::Floods => Behaviour::status(200).body(vec![b'x'; 8 << 20]),
        }
    }

    fn check(self, row: &Value) {
        let expected = match self {
            Self::Accepts => Ok(204),
            Self::Fails => Ok(500),
            Self::RespondsLate => Ok(202),
            Self::Redirects => Ok(302),
            Self::Drips | Self::Floods => Ok(200),
            Self::Hangs => Err("timeout: "),
            Self::Closes => Err("respond: "),
        };
        let error = row["error"].as_str();
        match expected {
            Ok(status) => {
                assert_eq!(row["status"], status, "{self:?}: {row}");
                assert_eq!(error, None, "{self:?}: {row}");
            }
            Err(phase) => {
                assert_eq!(row.get("status"), None, "{self:?}: {row}");
                assert!(
                    error.is_some_and(|error| error.starts_with(phase)),
                    "{self:?}: {row}"
                );
            }
        }
        assert!(row["milliseconds"].is_u64(), "{row}");
    }
}

fn path(index: usize) -> String {
    format!("/consumer/{index}")
}

#[tokio::test]
async fn the_outcome_of_one_consumer_does_not_affect_another() {
    let receiver = Receiver::start().await;
    let producer = Producer::with("outbound_timeout_ms=5000").await;
    let mut keys = Vec::new();
    for index in 0..CONSUMERS {
        keys.push(producer.register(&receiver.url(&path(index)), "*").await);
        receiver.on(&path(index), Kind::of(index).behaviour(&receiver));
    }
    receiver.forget();

    let rows = producer.fire().await;
    assert_eq!(rows.len(), CONSUMERS);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row["url"], receiver.url(&path(index)));
        Kind::of(index).check(row);
    }
    // Each consumer was called once, with a signature under its own key.
    let requests = receiver.requests();
    assert_eq!(requests.len(), CONSUMERS, "{requests:#?}");
    for (index, key) in keys.iter().enumerate() {
        let own = receiver.requests_to(&path(index));
        assert_eq!(own.len(), 1, "{index}");
        assert_eq!(
            own[0].header("x-signature"),
            Some(tag(&own[0].body, key).as_str()),
            "{index}"
        );
    }
}

#[tokio::test]
async fn at_most_as_many_consumers_are_called_at_once_as_allowed() {
    let receiver = Receiver::start().await;
    let producer = Producer::with("max_concurrency=5").await;
    for index in 0..30 {
        producer.register(&receiver.url(&path(index)), "*").await;
        receiver.on(&path(index), Behaviour::status(200).after_arrivals(5));
    }
    receiver.forget();
    let rows = producer.fire().await;
    assert_eq!(rows.len(), 30);
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(
            row["url"],
            receiver.url(&path(index)),
            "in the order of registration"
        );
        assert_eq!(row["status"], 200, "{row}");
    }
    assert_eq!(receiver.most_at_once(), 5);
}

#[tokio::test]
async fn if_all_running_calls_hang_the_others_are_reported_as_not_started() {
    let receiver = Receiver::start().await;
    let producer = Producer::of(&crate::producer::app().args([
        "--variable",
        "max_concurrency=2",
        "--variable",
        "outbound_timeout_ms=1000",
    ]))
    .await;
    for index in 0..6 {
        producer.register(&receiver.url(&path(index)), "*").await;
        receiver.on(&path(index), Behaviour::hang());
    }
    receiver.forget();
    let rows = producer.fire().await;
    let with = |phase: &str| {
        let of_phase = rows.iter().filter(|row| {
            let error = row["error"].as_str();
            error.is_some_and(|error| error.starts_with(phase))
        });
        of_phase.count()
    };
    let (called, not_called) = (with("timeout: "), with("not started: "));
    assert_eq!(called + not_called, 6, "{rows:?}");
    assert!(called >= 2 && not_called >= 1, "{rows:?}");
}

#[tokio::test]
async fn concurrent_firings_do_not_mix() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    for index in 0..5 {
        producer.register(&receiver.url(&path(index)), "*").await;
        // No firing ends before all firings have called all consumers.
        receiver.on(&path(index), Behaviour::status(200).after_arrivals(20));
    }
    receiver.forget();
    let data = |n: u64| serde_json::json!(n);
    let (one, two) = (data(1), data(2));
    let (three, four) = (data(3), data(4));
    let all: [_; 4] = tokio::join!(
        producer.fire_event("a", &one),
        producer.fire_event("b", &two),
        producer.fire_event("c", &three),
        producer.fire_event("d", &four),
    )
    .into();
    for rows in all {
        assert_eq!(rows.len(), 5);
        assert!(rows.iter().all(|row| row["status"] == 200), "{rows:?}");
    }
    for (event, n) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        let of_event = receiver
            .requests()
            .into_iter()
            .filter(|request| request.json() == serde_json::json!({ "event": event, "data": n }));
        assert_eq!(of_event.count(), 5, "{event}");
    }
}
