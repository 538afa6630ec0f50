//! Deliveries, beyond the conformance cases.

use test_support::Request;

use crate::examples::{self, outcome};
use crate::signing::{KEY, now, plain, standard};

const DUPLICATE: &str = "Received payload before and verified integrity";

#[tokio::test]
async fn an_event_that_was_processed_is_not_processed_again() {
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        consumer.handshake(KEY).await;
        let headers = standard(b"{}", KEY, "evt_1");
        let first = consumer.deliver(b"{}", &headers).await;
        assert_eq!(first.status, 200, "{}: {first:?}", example.name);
        let again = consumer.deliver(b"{}", &headers).await;
        assert_eq!(
            (again.status, again.text().as_str()),
            (200, DUPLICATE),
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
async fn an_event_is_not_processed_again_while_its_signature_is_fresh() {
    for example in examples::all() {
        let consumer = example.start(&["retry_horizon_seconds=0"]).await;
        consumer.handshake(KEY).await;
        let headers = standard(b"{}", KEY, "evt_1");
        let start = now();
        // Repeat beyond the end of a second, when the retry horizon is over.
        while now() < start + 2 {
            let reply = consumer.deliver(b"{}", &headers).await;
            assert_eq!(reply.status, 200, "{}: {reply:?}", example.name);
        }
        let again = consumer.deliver(b"{}", &headers).await;
        assert_eq!(again.text(), DUPLICATE, "{}", example.name);
        assert_eq!(consumer.processed(example), 1, "{}", example.name);
    }
}

#[tokio::test]
async fn a_success_that_cannot_be_recorded_still_gets_200() {
    for example in examples::all() {
        let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON webhook_ids WHEN new.done \
                      BEGIN SELECT RAISE(ABORT, 'not now'); END";
        let consumer = example.start_with_ids(refuse).await;
        consumer.handshake(KEY).await;
        let headers = standard(b"{}", KEY, "evt_1");
        let reply = consumer.deliver(b"{}", &headers).await;
        assert_eq!(reply.status, 200, "{}: {reply:?}", example.name);
        assert_eq!(consumer.processed(example), 1, "{}", example.name);
        let logs = consumer.0.log(example.name) + &consumer.0.error_log(example.name);
        assert!(logs.contains("ids was not updated"), "{logs}");
    }
}

#[tokio::test]
async fn an_invalid_variable_fails_the_health_check_and_every_request() {
    for example in examples::all() {
        for variable in [
            "tolerance_seconds=5m",
            "weakest_scheme=WSS",
            "seen_ids_max=0",
            "key_overlap_seconds=",
            "retry_horizon_seconds=-1",
        ] {
            let consumer = example.start(&[variable]).await;
            let health = Request::get(consumer.0.url("/healthz")).send().await;
            let unavailable = (503, "unavailable".to_owned());
            assert_eq!(
                outcome(&health),
                unavailable,
                "{}: {variable}",
                example.name
            );
            let reply = consumer.deliver(b"{}", &plain(b"{}", KEY)).await;
            assert_eq!(outcome(&reply), unavailable, "{}: {variable}", example.name);
        }
    }
}

#[tokio::test]
async fn an_unverified_request_does_not_claim_its_id() {
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
async fn of_concurrent_requests_with_one_id_one_is_processed() {
    for example in examples::all() {
        let consumer = example.start(&[]).await;
        consumer.handshake(KEY).await;
        for race in 0..4 {
            let headers = standard(b"{}", KEY, &format!("evt_{race}"));
            let deliver = || consumer.deliver(b"{}", &headers);
            let replies = tokio::join!(deliver(), deliver(), deliver(), deliver());
            let replies: [_; 4] = replies.into();
            for reply in &replies {
                let claimed = outcome(reply) == (409, "in-progress".to_owned());
                assert!(
                    reply.status == 200 || claimed,
                    "{}: {reply:?}",
                    example.name
                );
            }
            let context = || {
                format!(
                    "{}: {replies:?}\n{}",
                    example.name,
                    consumer.0.log(example.name)
                )
            };
            assert_eq!(consumer.processed(example), race + 1, "{}", context());
        }
    }
}

#[tokio::test]
async fn a_body_of_any_bytes_is_accepted_up_to_its_limit() {
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
