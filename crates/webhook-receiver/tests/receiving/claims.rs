//! Claims of ids, and their ends.

use webhook_receiver::{Log, Refusal, dedup};

use crate::deliveries::{
    DONE, DUPLICATE, FAILED, KEY, OTHER, deliver, deliver_slowly, fail, never, platform, receive,
    shake_hands, signature_code, signed_by, succeed,
};
use crate::platform::{FakePlatform, NOW};

test_support::on_every_store!(
    an_event_that_is_sent_repeatedly_is_processed_once,
    a_delivery_whose_processing_failed_is_processed_again,
    a_concurrent_request_with_the_same_id_gets_a_conflict,
    a_claim_whose_holder_died_ends_with_its_lease,
    a_claim_that_outlived_its_lease_does_not_release_the_next_one,
    a_signature_must_be_fresh_when_the_body_has_arrived,
    a_replaced_key_must_be_valid_when_the_body_has_arrived,
    a_claim_begins_when_the_body_has_arrived,
    an_unverified_request_does_not_claim_its_id,
    a_success_that_cannot_be_recorded_is_still_a_success,
    schemes_without_an_id_are_processed_each_time,
);

#[test]
fn an_event_that_is_sent_repeatedly_is_processed_once() {
    let platform = platform();
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    assert_eq!(deliver(&platform, "msg_1", never), DUPLICATE);
    platform.advance(3600);
    assert_eq!(deliver(&platform, "msg_1", never), DUPLICATE);
    assert_eq!(deliver(&platform, "msg_2", succeed), DONE);
}

#[test]
fn a_delivery_whose_processing_failed_is_processed_again() {
    let platform = platform();
    assert_eq!(deliver(&platform, "msg_1", fail), FAILED);
    assert_eq!(deliver(&platform, "msg_1", fail), FAILED);
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    assert_eq!(deliver(&platform, "msg_1", never), DUPLICATE);
}

#[test]
fn a_concurrent_request_with_the_same_id_gets_a_conflict() {
    let platform = platform();
    let outcome = deliver(&platform, "msg_1", || {
        let meanwhile = deliver(&platform, "msg_1", never);
        assert_eq!(meanwhile, Err(Refusal::InProgress));
        assert_eq!(deliver(&platform, "msg_2", succeed), DONE);
        succeed()
    });
    assert_eq!(outcome, DONE);
    assert_eq!(deliver(&platform, "msg_1", never), DUPLICATE);
}

#[test]
fn a_conflict_has_a_retry_after_header() {
    let response = Refusal::InProgress.response();
    assert_eq!(response.status, 409);
    let retry_after = ("retry-after".to_owned(), b"5".to_vec());
    assert!(response.headers.contains(&retry_after), "{response:?}");
}

#[test]
fn a_claim_whose_holder_died_ends_with_its_lease() {
    let platform = platform();
    // Simulates an instance that is killed during processing.
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        deliver(&platform, "msg_1", || panic!("the instance is killed"))
    }));
    assert!(killed.is_err());
    platform.advance(dedup::LEASE);
    assert_eq!(deliver(&platform, "msg_1", never), Err(Refusal::InProgress));
    platform.advance(1);
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
}

#[test]
fn a_claim_that_outlived_its_lease_does_not_release_the_next_one() {
    let platform = platform();
    let late = deliver(&platform, "msg_1", || {
        platform.advance(dedup::LEASE + 1);
        let next = deliver(&platform, "msg_1", succeed);
        assert_eq!(next, DONE);
        fail()
    });
    assert_eq!(late, FAILED);
    assert_eq!(deliver(&platform, "msg_1", never), DUPLICATE);
}

#[test]
fn a_signature_must_be_fresh_when_the_body_has_arrived() {
    let platform = platform();
    assert_eq!(deliver_slowly(&platform, KEY, 300, succeed), DONE);
    let late = deliver_slowly(&platform, KEY, 301, never);
    assert_eq!(signature_code(&late), Some("too-old"));
}

#[test]
fn a_replaced_key_must_be_valid_when_the_body_has_arrived() {
    let platform = platform();
    platform.set_variable("key_overlap_seconds", "100");
    shake_hands(&platform, OTHER);
    let late = deliver_slowly(&platform, KEY, 100, never);
    assert_eq!(signature_code(&late), Some("no-match"));
}

#[test]
fn a_claim_begins_when_the_body_has_arrived() {
    let platform = platform();
    platform.set_variable("tolerance_seconds", "1000");
    let outcome = deliver_slowly(&platform, KEY, dedup::LEASE + 1, || {
        assert_eq!(deliver(&platform, "msg_1", never), Err(Refusal::InProgress));
        succeed()
    });
    assert_eq!(outcome, DONE);
}

/// Claims one id from eight processes at once, and returns the number of them that process it.
fn race(platform: &FakePlatform, id: &str) -> usize {
    let start = std::sync::Barrier::new(8);
    let processed = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let other = platform.beside();
            let (start, processed) = (&start, &processed);
            scope.spawn(move || {
                start.wait();
                let outcome = deliver(&other, id, || {
                    processed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    succeed()
                });
                let expected = [DONE, DUPLICATE, Err(Refusal::InProgress)];
                assert!(expected.contains(&outcome), "{outcome:?}");
            });
        }
    });
    processed.into_inner()
}

fn of_concurrent_requests_with_one_id_exactly_one_is_processed() {
    let platform = platform();
    for number in 0..20 {
        assert_eq!(race(&platform, &format!("msg_{number}")), 1, "{number}");
    }
    // The same for ids whose claim has ended.
    for number in 0..20 {
        let id = format!("old_{number}");
        platform.hold(&id, NOW - 1);
        assert_eq!(race(&platform, &id), 1, "{id}");
    }
}

#[test]
fn of_concurrent_requests_with_one_id_exactly_one_is_processed_on_postgresql() {
    test_support::stores::on_postgres(of_concurrent_requests_with_one_id_exactly_one_is_processed);
}

#[test]
fn of_concurrent_requests_with_one_id_exactly_one_is_processed_on_redis() {
    test_support::stores::on_redis(of_concurrent_requests_with_one_id_exactly_one_is_processed);
}

#[test]
fn an_unverified_request_does_not_claim_its_id() {
    let platform = platform();
    let mut request = signed_by(
        webhook_signature::Scheme::Standard,
        &platform,
        OTHER,
        "msg_1",
    );
    let refused = receive(&mut request, &platform, &mut Log::of("TEST"), |_, _| {
        never()
    });
    assert!(matches!(
        refused,
        Err(Refusal::Signature {
            code: "no-match",
            ..
        })
    ));
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
}

#[test]
fn a_success_that_cannot_be_recorded_is_still_a_success() {
    let platform = platform();
    let mut request = signed_by(webhook_signature::Scheme::Standard, &platform, KEY, "msg_1");
    let mut log = Log::of("TEST");
    let outcome = receive(&mut request, &platform, &mut log, |_, _| {
        platform.database_fails.set(true);
        succeed()
    });
    assert_eq!(outcome, DONE);
    assert!(log.text().contains("Failed to record"), "{}", log.text());
}

#[test]
fn schemes_without_an_id_are_processed_each_time() {
    let platform = platform();
    for scheme in [
        webhook_signature::Scheme::Plain,
        webhook_signature::Scheme::Wss,
    ] {
        for _ in 0..2 {
            let mut request = signed_by(scheme, &platform, KEY, "msg_1");
            let outcome = receive(
                &mut request,
                &platform,
                &mut Log::of("TEST"),
                |delivery, _| {
                    assert_eq!(
                        (delivery.body, &delivery.verified.id),
                        (b"{}".as_slice(), &None)
                    );
                    succeed()
                },
            );
            assert_eq!(outcome, DONE);
        }
    }
}
