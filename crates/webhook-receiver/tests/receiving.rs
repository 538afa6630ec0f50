//! Processing, rejection and deduplication of deliveries.

#![cfg(not(target_family = "wasm"))]

mod platform;

use platform::{FakePlatform, FakeRequest, NOW};
use webhook_receiver::{
    BodyError, Clock, Database, Handshake, Headers, Log, Platform, Processed, Received, Refusal,
    Registration, Request, check_health, dedup, handshake,
};
use webhook_signature::{Credential, Message};

test_support::on_every_store!(
    an_event_that_is_sent_repeatedly_is_processed_once,
    a_delivery_whose_processing_failed_is_processed_again,
    a_concurrent_request_with_the_same_id_gets_a_conflict,
    a_claim_whose_holder_died_ends_with_its_lease,
    a_claim_that_outlived_its_lease_does_not_release_the_next_one,
    a_signature_must_be_fresh_when_the_body_has_arrived,
    a_replaced_key_must_be_valid_when_the_body_has_arrived,
    a_claim_begins_when_the_body_has_arrived,
    an_id_is_remembered_for_as_long_as_its_signature_is_fresh,
    an_id_is_remembered_for_the_retry_horizon_and_no_longer,
    the_number_of_remembered_ids_is_bounded,
    a_claim_in_progress_is_never_pruned,
    an_id_that_is_claimed_again_counts_as_new,
    an_unverified_request_does_not_claim_its_id,
    a_store_that_fails_is_a_503_and_changes_nothing,
    a_success_that_cannot_be_recorded_is_still_a_success,
    schemes_without_an_id_are_processed_each_time,
    a_replaced_key_is_accepted_until_its_overlap_has_passed,
    without_an_overlap_a_replaced_key_is_rejected_at_once,
    each_replaced_key_has_its_own_overlap,
    the_number_of_replaced_keys_is_bounded,
    a_concurrent_handshake_gets_a_conflict,
    neither_a_response_nor_the_log_contains_a_key,
    each_registration_verifies_under_its_own_key_without_expiry,
    an_id_is_a_duplicate_only_for_the_registration_that_processed_it,
);

const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
const OTHER: &str = "mB5kQpXz7TtYw2LcAhN4sVdRe8Gu0JfiK1oP";
const THIRD: &str = "Jx0oPq3Zf8WvYt5BnLcRkS2hUe7MdGi4Ta9w";

/// Creates a platform that has `KEY` and accepts every scheme.
fn platform() -> FakePlatform {
    let platform = FakePlatform::default();
    platform.set_variable("weakest_scheme", "plain");
    shake_hands(&platform, KEY);
    platform
}

fn shake_hands(platform: &FakePlatform, key: &str) {
    try_handshake(platform, key).expect("the key is stored");
}

fn try_handshake(platform: &FakePlatform, key: &str) -> Result<(), Refusal> {
    handshake_for(&Registration::default(), platform, key)
}

fn handshake_for(
    registration: &Registration,
    platform: &FakePlatform,
    key: &str,
) -> Result<(), Refusal> {
    let mut request = FakeRequest {
        method: "POST".to_owned(),
        target: "/target?handshake=true".to_owned(),
        headers: Vec::new(),
        body: Some(format!("{{\"keyData\": \"{key}\"}}").into_bytes()),
    };
    let offer = Handshake {
        registration,
        token: None,
        open: true,
    };
    handshake(offer, &mut request, platform, &mut Log::of("TEST")).map(drop)
}

/// Receives a request for the registration without a query.
fn receive<T>(
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
    process: impl FnOnce(webhook_receiver::Delivery<'_>, &mut Log) -> Processed<T>,
) -> Result<Received<T>, Refusal> {
    let registration = Registration::default();
    webhook_receiver::receive(request, &registration, platform, log, process)
}

/// Creates a delivery that is signed now, only in `scheme`.
fn signed_by(
    scheme: webhook_signature::Scheme,
    platform: &FakePlatform,
    key: &str,
    id: &str,
) -> FakeRequest {
    let message = Message {
        id,
        timestamp: platform.now(),
        body: b"{}",
    };
    let keys = [Credential::parse(key).expect("a key")];
    let headers = webhook_signature::sign(scheme, &keys, &message).expect("headers");
    let own = |(name, value): webhook_signature::Header| (name.to_owned(), value.into_bytes());
    FakeRequest {
        method: "POST".to_owned(),
        target: "/target".to_owned(),
        headers: headers.into_iter().map(own).collect(),
        body: Some(b"{}".to_vec()),
    }
}

/// A request whose body arrives after some seconds.
struct Slow<'a> {
    request: FakeRequest,
    platform: &'a FakePlatform,
    seconds: u64,
}

impl Request for Slow<'_> {
    fn method(&self) -> String {
        self.request.method()
    }

    fn target(&self) -> String {
        self.request.target()
    }

    fn headers(&self) -> Headers {
        self.request.headers()
    }

    fn body(&mut self, limit: usize) -> Result<Vec<u8>, BodyError> {
        self.platform.advance(self.seconds);
        self.request.body(limit)
    }
}

/// Receives a delivery of `msg_1` that is signed now with `key` and whose body arrives late.
fn deliver_slowly(
    platform: &FakePlatform,
    key: &str,
    seconds: u64,
    process: impl FnOnce() -> Processed<&'static str>,
) -> Result<Received<&'static str>, Refusal> {
    let mut request = Slow {
        request: signed_by(webhook_signature::Scheme::Standard, platform, key, "msg_1"),
        platform,
        seconds,
    };
    receive(&mut request, platform, &mut Log::of("TEST"), |_, _| {
        process()
    })
}

fn signature_code<T>(outcome: &Result<T, Refusal>) -> Option<&'static str> {
    match outcome {
        Err(Refusal::Signature { code, .. }) => Some(code),
        _ => None,
    }
}

/// Receives a delivery of `id` and processes it with `process`.
fn deliver(
    platform: &FakePlatform,
    id: &str,
    process: impl FnOnce() -> Processed<&'static str>,
) -> Result<Received<&'static str>, Refusal> {
    let mut request = signed_by(webhook_signature::Scheme::Standard, platform, KEY, id);
    receive(&mut request, platform, &mut Log::of("TEST"), |_, _| {
        process()
    })
}

fn succeed() -> Processed<&'static str> {
    Processed::Done("done")
}

fn fail() -> Processed<&'static str> {
    Processed::Failed("failed")
}

fn never() -> Processed<&'static str> {
    panic!("processed again")
}

const DONE: Result<Received<&str>, Refusal> = Ok(Received::Processed("done"));
const FAILED: Result<Received<&str>, Refusal> = Ok(Received::Processed("failed"));
const DUPLICATE: Result<Received<&str>, Refusal> = Ok(Received::Duplicate);

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

#[test]
fn an_id_is_remembered_for_as_long_as_its_signature_is_fresh() {
    let platform = platform();
    platform.set_variable("retry_horizon_seconds", "0");
    let captured = || signed_by(webhook_signature::Scheme::Standard, &platform, KEY, "msg_1");
    // The signature of a sender whose clock is ahead stays fresh for longer than the tolerance.
    platform.advance(200);
    let mut requests = [captured(), captured(), captured()];
    platform.now.set(NOW);
    let mut receive = |number: usize, process: fn() -> Processed<&'static str>| {
        let request = &mut requests[number];
        receive(request, &platform, &mut Log::of("TEST"), |_, _| process())
    };
    assert_eq!(receive(0, succeed), DONE);
    platform.advance(500);
    assert_eq!(receive(1, never), DUPLICATE);
    platform.advance(1);
    assert_eq!(signature_code(&receive(2, never)), Some("too-old"));
}

#[test]
fn an_id_is_remembered_for_the_retry_horizon_and_no_longer() {
    let platform = platform();
    platform.set_variable("retry_horizon_seconds", "1000");
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    platform.advance(1000);
    assert_eq!(deliver(&platform, "msg_1", never), DUPLICATE);
    platform.advance(1);
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
}

#[test]
fn the_number_of_remembered_ids_is_bounded() {
    let platform = platform();
    platform.set_variable("seen_ids_max", "10");
    for number in 0..100 {
        assert_eq!(deliver(&platform, &format!("msg_{number}"), succeed), DONE);
        assert!(platform.remembered() <= 20, "{}", platform.remembered());
    }
    assert!(platform.remembered() >= 10);
    for number in 90..100 {
        assert_eq!(
            deliver(&platform, &format!("msg_{number}"), never),
            DUPLICATE
        );
    }
}

#[test]
fn a_claim_in_progress_is_never_pruned() {
    let platform = platform();
    platform.set_variable("seen_ids_max", "1");
    let outcome = deliver(&platform, "msg_1", || {
        for id in ["msg_2", "msg_3", "msg_4"] {
            assert_eq!(deliver(&platform, id, succeed), DONE);
        }
        assert_eq!(deliver(&platform, "msg_1", never), Err(Refusal::InProgress));
        succeed()
    });
    assert_eq!(outcome, DONE);
}

#[test]
fn an_id_that_is_claimed_again_counts_as_new() {
    let platform = platform();
    platform.set_variable("seen_ids_max", "3");
    for id in ["a", "b", "c", "d"] {
        assert_eq!(deliver(&platform, id, succeed), DONE);
    }
    platform.advance(345_601);
    for id in ["a", "e", "f"] {
        assert_eq!(deliver(&platform, id, succeed), DONE);
    }
    assert_eq!(deliver(&platform, "a", never), DUPLICATE);
}

#[test]
fn a_delivery_is_processed_even_if_pruning_fails() {
    let platform = platform();
    platform.set_variable("seen_ids_max", "1");
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON webhook_ids WHEN old.done
        BEGIN SELECT RAISE(ABORT, 'not now'); END";
    platform.execute(refuse, &[]).expect("a trigger");
    assert_eq!(deliver(&platform, "msg_2", succeed), DONE);
    assert_eq!(platform.remembered(), 2, "nothing can be deleted");
    assert_eq!(deliver(&platform, "msg_2", never), DUPLICATE);
}

#[test]
fn expired_ids_are_deleted() {
    let platform = platform();
    platform.set_variable("tolerance_seconds", "0");
    platform.set_variable("retry_horizon_seconds", "10");
    for number in 0..64 {
        assert_eq!(deliver(&platform, &format!("old_{number}"), succeed), DONE);
    }
    platform.advance(11);
    for number in 0..64 {
        assert_eq!(deliver(&platform, &format!("new_{number}"), succeed), DONE);
    }
    assert!(platform.remembered() <= 64, "{}", platform.remembered());
}

#[test]
fn expired_ids_are_deleted_from_postgresql() {
    test_support::stores::on_postgres(expired_ids_are_deleted);
}

#[test]
fn ids_in_redis_expire_by_themselves() {
    test_support::stores::on_redis(|| {
        let platform = platform();
        assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
        let left = platform
            .server
            .command("TTL", &[b"{webhook-ids}:id:msg_1"])
            .expect("a reply");
        let [webhook_receiver::RedisReply::Number(seconds)] = left[..] else {
            panic!("{left:?}");
        };
        assert!((345_590..=345_601).contains(&seconds), "{seconds}");
    });
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
fn a_store_that_fails_is_a_503_and_changes_nothing() {
    let platform = platform();
    let is_unavailable = |refusal: Refusal| {
        assert_eq!(refusal.problem().status(), 503, "{refusal}");
        assert!(!refusal.problem().to_string().contains("disk"), "{refusal}");
    };
    platform.database_fails.set(true);
    is_unavailable(deliver(&platform, "msg_1", never).expect_err("a refusal"));
    is_unavailable(try_handshake(&platform, OTHER).expect_err("a refusal"));
    is_unavailable(check_health(&platform).expect_err("a refusal"));
    platform.database_fails.set(false);
    assert_eq!(platform.stored("signing-key-data").as_deref(), Some(KEY));
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    check_health(&platform).expect("healthy");
}

#[test]
fn a_missing_table_in_postgresql_is_reported_with_its_remedy() {
    test_support::stores::on_postgres(|| {
        let platform = platform();
        platform
            .server
            .query("DROP TABLE webhook_ids", &[])
            .expect("no table");
        let refusal = check_health(&platform).expect_err("a refusal");
        assert_eq!(refusal.problem().status(), 503);
        assert!(
            refusal.to_string().contains("migrations.postgres.sql"),
            "{refusal}"
        );
    });
}

#[test]
fn an_invalid_store_url_is_reported_without_its_value() {
    for url in [
        "sqlite://file",
        "postgres://",
        "redis:",
        "s3cret",
        "host=db password=s3cret",
    ] {
        let platform = FakePlatform::default();
        platform.set_variable("store_url", url);
        let refusal = try_handshake(&platform, KEY).expect_err("a refusal");
        assert_eq!(refusal.problem().status(), 503, "{url}");
        let text = format!("{refusal} {refusal:?}");
        assert!(text.contains("`store_url`"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
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

/// Returns true if a delivery signed with `key` is accepted.
fn is_accepted(platform: &FakePlatform, key: &str) -> bool {
    let mut request = signed_by(webhook_signature::Scheme::Wss, platform, key, "");
    let outcome = receive(&mut request, platform, &mut Log::of("TEST"), |_, _| {
        succeed()
    });
    match outcome {
        Ok(_) => true,
        Err(Refusal::Signature {
            code: "no-match", ..
        }) => false,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_replaced_key_is_accepted_until_its_overlap_has_passed() {
    let platform = platform();
    platform.set_variable("key_overlap_seconds", "100");
    shake_hands(&platform, OTHER);
    assert_eq!(
        [KEY, OTHER].map(|key| is_accepted(&platform, key)),
        [true, true]
    );
    platform.advance(99);
    assert_eq!(
        [KEY, OTHER].map(|key| is_accepted(&platform, key)),
        [true, true]
    );
    platform.advance(1);
    assert_eq!(
        [KEY, OTHER].map(|key| is_accepted(&platform, key)),
        [false, true]
    );
}

#[test]
fn without_an_overlap_a_replaced_key_is_rejected_at_once() {
    let platform = platform();
    platform.set_variable("key_overlap_seconds", "0");
    shake_hands(&platform, OTHER);
    assert_eq!(
        [KEY, OTHER].map(|key| is_accepted(&platform, key)),
        [false, true]
    );
}

#[test]
fn each_replaced_key_has_its_own_overlap() {
    let platform = platform();
    platform.set_variable("key_overlap_seconds", "100");
    shake_hands(&platform, OTHER);
    platform.advance(60);
    shake_hands(&platform, THIRD);
    let accepted = || [KEY, OTHER, THIRD].map(|key| is_accepted(&platform, key));
    assert_eq!(accepted(), [true, true, true]);
    platform.advance(40);
    assert_eq!(accepted(), [false, true, true]);
    platform.advance(60);
    assert_eq!(accepted(), [false, false, true]);
}

#[test]
fn the_number_of_replaced_keys_is_bounded() {
    let platform = platform();
    for number in 0..20 {
        shake_hands(&platform, &format!("the key with number {number:04}"));
    }
    let previous = platform.stored("signing-key-previous").expect("keys");
    assert_eq!(previous.matches("until").count(), 4, "{previous}");
}

#[test]
fn a_concurrent_handshake_gets_a_conflict() {
    let platform = platform();
    // The claim of the first handshake, before it replaces the key.
    platform.hold("the keys", NOW + dedup::LEASE);
    assert_eq!(
        try_handshake(&platform, OTHER),
        Err(Refusal::HandshakeInProgress)
    );
    assert_eq!(
        [KEY, OTHER].map(|key| is_accepted(&platform, key)),
        [true, false]
    );
    platform.advance(dedup::LEASE + 1);
    shake_hands(&platform, OTHER);
}

#[test]
fn neither_a_response_nor_the_log_contains_a_key() {
    let platform = platform();
    shake_hands(&platform, OTHER);
    let mut log = Log::of("TEST");
    for key in [KEY, OTHER, THIRD] {
        let mut request = signed_by(webhook_signature::Scheme::Standard, &platform, key, "msg_1");
        let outcome = receive(&mut request, &platform, &mut log, |_, _| succeed());
        if let Err(refusal) = outcome {
            log.line(format!("{refusal} {refusal:?} {:?}", refusal.response()));
        }
    }
    assert!(
        log.text().contains("replaced key 0cb78082"),
        "{}",
        log.text()
    );
    for key in [KEY, OTHER, THIRD] {
        assert!(!log.text().contains(key), "{}", log.text());
    }
}

/// Receives a delivery for a registration, and returns its outcome or the code of the refusal.
fn deliver_to(
    registration: &Registration,
    platform: &FakePlatform,
    key: &str,
    id: &str,
) -> Result<Received<&'static str>, String> {
    let mut request = signed_by(webhook_signature::Scheme::Standard, platform, key, id);
    let mut log = Log::of("TEST");
    let outcome =
        webhook_receiver::receive(&mut request, registration, platform, &mut log, |_, _| {
            succeed()
        });
    outcome.map_err(|refusal| refusal.problem().code().to_owned())
}

#[test]
fn each_registration_verifies_under_its_own_key_without_expiry() {
    let platform = platform();
    let (one, other) = (
        Registration::default(),
        Registration::of_query("customer=7"),
    );
    assert_eq!(
        deliver_to(&other, &platform, KEY, "msg_1"),
        Err("no-key".to_owned())
    );
    handshake_for(&other, &platform, OTHER).expect("the key is stored");
    // Long after the overlap of any replaced key.
    platform.advance(1_000_000);
    assert_eq!(
        deliver_to(&one, &platform, KEY, "msg_1"),
        Ok(Received::Processed("done"))
    );
    assert_eq!(
        deliver_to(&other, &platform, OTHER, "msg_1"),
        Ok(Received::Processed("done"))
    );
    assert_eq!(
        deliver_to(&one, &platform, OTHER, "msg_2"),
        Err("no-match".to_owned())
    );
    assert_eq!(
        deliver_to(&other, &platform, KEY, "msg_2"),
        Err("no-match".to_owned())
    );
}

#[test]
fn an_id_is_a_duplicate_only_for_the_registration_that_processed_it() {
    let platform = platform();
    let registrations = ["", "a=1", "a=2"].map(Registration::of_query);
    for registration in &registrations {
        handshake_for(registration, &platform, KEY).expect("the key is stored");
    }
    for registration in &registrations {
        let first = deliver_to(registration, &platform, KEY, "msg_1");
        assert_eq!(first, Ok(Received::Processed("done")));
        let again = deliver_to(registration, &platform, KEY, "msg_1");
        assert_eq!(again, Ok(Received::Duplicate));
    }
}

#[test]
fn a_body_without_its_announced_length_is_not_processed() {
    let platform = platform();
    for announced in ["1", "3", "1000"] {
        let mut request = signed_by(webhook_signature::Scheme::Standard, &platform, KEY, "msg_1");
        let header = ("content-length".to_owned(), announced.as_bytes().to_vec());
        request.headers.push(header);
        let outcome = receive(&mut request, &platform, &mut Log::of("TEST"), |_, _| {
            never()
        });
        assert_eq!(
            outcome,
            Err(Refusal::Body(BodyError::BrokenOff)),
            "{announced}"
        );
    }
    let mut handshake_cut_off = FakeRequest {
        method: "POST".to_owned(),
        target: "/target?handshake=true".to_owned(),
        headers: vec![("Content-Length".to_owned(), b"1000".to_vec())],
        body: Some(format!("{{\"keyData\": \"{OTHER}\"}}").into_bytes()),
    };
    let offer = Handshake {
        registration: &Registration::default(),
        token: None,
        open: true,
    };
    let mut log = Log::of("TEST");
    let outcome = handshake(offer, &mut handshake_cut_off, &platform, &mut log);
    assert_eq!(outcome, Err(Refusal::Body(BodyError::BrokenOff)));
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
}

/// Returns the code and the text of the refusal of a request with these headers.
fn refusal_of(platform: &FakePlatform, headers: &[(&str, &str)]) -> String {
    let own = |(name, value): &(&str, &str)| (name.to_string(), value.as_bytes().to_vec());
    let mut request = FakeRequest {
        method: "POST".to_owned(),
        target: "/target".to_owned(),
        headers: headers.iter().map(own).collect(),
        body: Some(b"{}".to_vec()),
    };
    let outcome = receive(&mut request, platform, &mut Log::of("TEST"), |_, _| never());
    let refusal = outcome.expect_err("refused");
    format!("{}: {refusal}", refusal.problem().code())
}

#[test]
fn a_refusal_names_the_likely_mistake() {
    let platform = platform();
    let svix = refusal_of(
        &platform,
        &[
            ("svix-id", "msg_1"),
            ("Svix-Timestamp", "1614265330"),
            ("Svix-Signature", "v1,AAAA"),
        ],
    );
    assert!(
        svix.starts_with("missing-header: ") && svix.contains("`svix-signature`"),
        "{svix}"
    );
    let signature = format!("v1,{}=", "A".repeat(43));
    let late = refusal_of(
        &platform,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1614265330000"),
            ("webhook-signature", &signature),
        ],
    );
    assert!(
        late.starts_with("too-new: ") && late.contains("milliseconds"),
        "{late}"
    );
    let far = refusal_of(
        &platform,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1614269999"),
            ("webhook-signature", &signature),
        ],
    );
    assert_eq!(far, "too-new: the signature is dated in the future");
    let prefixed = format!("sha256={}", "a".repeat(64));
    let prefixed = refusal_of(&platform, &[("X-Signature", &prefixed)]);
    assert!(prefixed.starts_with("malformed-header: "), "{prefixed}");
    assert!(prefixed.contains("`sha256=`"), "{prefixed}");
}
