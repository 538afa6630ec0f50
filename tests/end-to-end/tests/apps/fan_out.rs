//! `POST /fire` at many consumers, of which some are trouble.

use serde_json::Value;
use test_support::{Behaviour, Receiver};

use crate::consumer::tag;
use crate::producer::Producer;

const CONSUMERS: usize = 50;

/// How a consumer behaves, and what its row has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Accepts,
    Fails,
    Hangs,
    /// Answers once every consumer has its request, the hanging ones included.
    AnswersLate,
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
        Self::AnswersLate,
        Self::Closes,
        Self::Redirects,
        Self::Drips,
        Self::Floods,
    ];

    fn of(place: usize) -> Self {
        Self::ALL[place % Self::ALL.len()]
    }

    fn behaviour(self, receiver: &Receiver) -> Behaviour {
        match self {
            Self::Accepts => Behaviour::status(204),
            Self::Fails => Behaviour::status(500).body("no"),
            Self::Hangs => Behaviour::hang(),
            Self::AnswersLate => Behaviour::status(202).after_arrivals(CONSUMERS),
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
            Self::AnswersLate => Ok(202),
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

fn path(place: usize) -> String {
    format!("/consumer/{place}")
}

#[tokio::test]
async fn no_consumer_changes_what_becomes_of_another() {
    let receiver = Receiver::start().await;
    let producer = Producer::with("outbound_timeout_ms=5000").await;
    let mut keys = Vec::new();
    for place in 0..CONSUMERS {
        keys.push(producer.register(&receiver.url(&path(place)), "*").await);
        receiver.on(&path(place), Kind::of(place).behaviour(&receiver));
    }
    receiver.forget();

    let rows = producer.fire().await;
    assert_eq!(rows.len(), CONSUMERS);
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row["url"], receiver.url(&path(place)));
        Kind::of(place).check(row);
    }
    // Each was called once, with a signature under its own key.
    let requests = receiver.requests();
    assert_eq!(requests.len(), CONSUMERS, "{requests:#?}");
    for (place, key) in keys.iter().enumerate() {
        let own = receiver.requests_to(&path(place));
        assert_eq!(own.len(), 1, "{place}");
        assert_eq!(
            own[0].header("x-signature"),
            Some(tag(&own[0].body, key).as_str()),
            "{place}"
        );
    }
}

#[tokio::test]
async fn no_more_are_called_at_once_than_allowed() {
    let receiver = Receiver::start().await;
    let producer = Producer::with("max_concurrency=5").await;
    for place in 0..30 {
        producer.register(&receiver.url(&path(place)), "*").await;
        receiver.on(&path(place), Behaviour::status(200).after_arrivals(5));
    }
    receiver.forget();
    let rows = producer.fire().await;
    assert_eq!(rows.len(), 30);
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(
            row["url"],
            receiver.url(&path(place)),
            "in the order of registration"
        );
        assert_eq!(row["status"], 200, "{row}");
    }
    assert_eq!(receiver.most_at_once(), 5);
}

#[tokio::test]
async fn where_all_places_hang_the_others_are_told_that_they_were_not_called() {
    let receiver = Receiver::start().await;
    let producer = Producer::of(&crate::producer::app().args([
        "--variable",
        "max_concurrency=2",
        "--variable",
        "outbound_timeout_ms=1000",
    ]))
    .await;
    for place in 0..6 {
        producer.register(&receiver.url(&path(place)), "*").await;
        receiver.on(&path(place), Behaviour::hang());
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
async fn firings_at_once_do_not_mix() {
    let receiver = Receiver::start().await;
    let producer = Producer::start().await;
    for place in 0..5 {
        producer.register(&receiver.url(&path(place)), "*").await;
        // No firing ends before all of them have called everybody.
        receiver.on(&path(place), Behaviour::status(200).after_arrivals(20));
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
