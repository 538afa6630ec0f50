//! What becomes of deliveries, beyond what the conformance cases ask.

use crate::examples::{self, outcome};
use crate::signing::{KEY, plain, standard};

const SEEN: &str = "Received payload before and verified integrity";

#[tokio::test]
async fn an_event_that_was_seen_is_not_processed_again() {
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        consumer.handshake(KEY).await;
        let headers = standard(b"{}", KEY, "evt_1");
        let first = consumer.deliver(b"{}", &headers).await;
        assert_eq!(first.status, 200, "{}: {first:?}", example.name);
        let again = consumer.deliver(b"{}", &headers).await;
        assert_eq!(
            (again.status, again.text().as_str()),
            (200, SEEN),
            "{}",
            example.name
        );
        assert_eq!(consumer.processed(example), 1, "{}", example.name);
        let other = consumer
            .deliver(b"{}", &standard(b"{}", KEY, "evt_2"))
            .await;
        assert_eq!(other.status, 200, "{}: {other:?}", example.name);
        assert_eq!(consumer.processed(example), 2, "{}", example.name);
    }
}

#[tokio::test]
async fn an_id_is_not_taken_by_a_request_that_is_not_verified() {
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        consumer.handshake(KEY).await;
        let headers = standard(b"{}", KEY, "evt_1");
        let forged = consumer.deliver(b"{ }", &headers).await;
        assert_eq!(
            outcome(&forged),
            (400, "no-match".to_owned()),
            "{}",
            example.name
        );
        let genuine = consumer.deliver(b"{}", &headers).await;
        assert_eq!(genuine.status, 200, "{}: {genuine:?}", example.name);
        assert_eq!(consumer.processed(example), 1, "{}", example.name);
    }
}

#[tokio::test]
async fn of_requests_that_race_with_one_id_one_is_processed() {
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        consumer.handshake(KEY).await;
        for race in 0..4 {
            let headers = standard(b"{}", KEY, &format!("evt_{race}"));
            let deliver = || consumer.deliver(b"{}", &headers);
            let replies = tokio::join!(deliver(), deliver(), deliver(), deliver());
            let replies: [_; 4] = replies.into();
            for reply in &replies {
                let taken = outcome(reply) == (409, "in-progress".to_owned());
                assert!(reply.status == 200 || taken, "{}: {reply:?}", example.name);
            }
            assert_eq!(consumer.processed(example), race + 1, "{}", example.name);
        }
    }
}

#[tokio::test]
async fn a_body_is_taken_up_to_its_limit_whatever_bytes_it_has() {
    const LIMIT: usize = 10 * 1024 * 1024;
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        consumer.handshake(KEY).await;
        let mut body: Vec<u8> = (0..=255).cycle().take(LIMIT).collect();
        let reply = consumer.deliver(&body, &plain(&body, KEY)).await;
        assert_eq!(reply.status, 200, "{}: {reply:?}", example.name);
        body.push(0);
        let reply = consumer.deliver(&body, &plain(&body, KEY)).await;
        assert_eq!(
            outcome(&reply),
            (413, "body-too-long".to_owned()),
            "{}",
            example.name
        );
    }
}
