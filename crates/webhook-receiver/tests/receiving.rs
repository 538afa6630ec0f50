//! What is processed, what is not, and what is remembered of it.

#![cfg(not(target_family = "wasm"))]

mod platform;

use platform::{FakePlatform, FakeRequest, NOW};
use webhook_receiver::{
    BodyError, Clock, Database, Handshake, Headers, Log, Platform, Processed, Received, Refusal,
    Registration, Request, Value, handshake, seen,
};
use webhook_signature::{Credential, Message};

const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
const OTHER: &str = "mB5kQpXz7TtYw2LcAhN4sVdRe8Gu0JfiK1oP";
const THIRD: &str = "Jx0oPq3Zf8WvYt5BnLcRkS2hUe7MdGi4Ta9w";

/// A platform that has taken `KEY`, and takes every scheme.
fn platform() -> FakePlatform {
    let platform = FakePlatform::default();
    platform.set_variable("weakest_scheme", "plain");
    hand_over(&platform, KEY);
    platform
}

fn hand_over(platform: &FakePlatform, key: &str) {
    try_hand_over(platform, key).expect("the key is taken");
}

fn try_hand_over(platform: &FakePlatform, key: &str) -> Result<(), Refusal> {
    hand_over_to(&Registration::default(), platform, key)
}

fn hand_over_to(
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
    let offered = Handshake {
        registration,
        token: None,
        open: true,
    };
    handshake(offered, &mut request, platform, &mut Log::of("TEST")).map(drop)
}

/// Receives as the registration without a query.
fn receive<T>(
    request: &mut impl Request,
    platform: &impl Platform,
    log: &mut Log,
    process: impl FnOnce(webhook_receiver::Delivery<'_>, &mut Log) -> Processed<T>,
) -> Result<Received<T>, Refusal> {
    let registration = Registration::default();
    webhook_receiver::receive(request, &registration, platform, log, process)
}

/// A delivery signed now, by `scheme` alone.
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

/// A request whose body takes a while to arrive.
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
        self.platform.pass(self.seconds);
        self.request.body(limit)
    }
}

/// Receives a delivery of `msg_1` that is signed now with `key` and whose last byte is held back.
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

fn refused_by_its_signature<T>(outcome: &Result<T, Refusal>) -> Option<&'static str> {
    match outcome {
        Err(Refusal::Signature { code, .. }) => Some(code),
        _ => None,
    }
}

/// Receives a delivery of `id`, processing it as told.
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
    panic!("it is processed again")
}

const DONE: Result<Received<&str>, Refusal> = Ok(Received::Processed("done"));
const FAILED: Result<Received<&str>, Refusal> = Ok(Received::Processed("failed"));
const SEEN: Result<Received<&str>, Refusal> = Ok(Received::Seen);

fn remembered(platform: &FakePlatform) -> i64 {
    let rows = platform.execute("SELECT count(*) FROM webhook_ids", &[]);
    match rows.expect("a table").remove(0).remove(0) {
        Value::Integer(count) => count,
        Value::Text(text) => panic!("{text} rows"),
    }
}

#[test]
fn an_event_is_processed_once_however_often_it_is_sent() {
    let platform = platform();
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    assert_eq!(deliver(&platform, "msg_1", never), SEEN);
    platform.pass(3600);
    assert_eq!(deliver(&platform, "msg_1", never), SEEN);
    assert_eq!(deliver(&platform, "msg_2", succeed), DONE);
}

#[test]
fn a_delivery_that_failed_in_processing_is_processed_again() {
    let platform = platform();
    assert_eq!(deliver(&platform, "msg_1", fail), FAILED);
    assert_eq!(deliver(&platform, "msg_1", fail), FAILED);
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    assert_eq!(deliver(&platform, "msg_1", never), SEEN);
}

#[test]
fn while_one_request_is_processed_another_with_its_id_is_put_off() {
    let platform = platform();
    let outcome = deliver(&platform, "msg_1", || {
        let meanwhile = deliver(&platform, "msg_1", never);
        assert_eq!(meanwhile, Err(Refusal::InProgress));
        assert_eq!(deliver(&platform, "msg_2", succeed), DONE);
        succeed()
    });
    assert_eq!(outcome, DONE);
    assert_eq!(deliver(&platform, "msg_1", never), SEEN);
}

#[test]
fn a_request_that_is_put_off_is_told_when_to_come_back() {
    let answer = Refusal::InProgress.answer();
    assert_eq!(answer.status, 409);
    let retry_after = ("retry-after".to_owned(), b"5".to_vec());
    assert!(answer.headers.contains(&retry_after), "{answer:?}");
}

#[test]
fn a_claim_whose_holder_is_gone_ends_with_its_lease() {
    let platform = platform();
    // As an instance does that is ended in the middle.
    let gone = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        deliver(&platform, "msg_1", || panic!("the instance ends"))
    }));
    assert!(gone.is_err());
    platform.pass(seen::LEASE);
    assert_eq!(deliver(&platform, "msg_1", never), Err(Refusal::InProgress));
    platform.pass(1);
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
}

#[test]
fn who_comes_back_after_the_lease_does_not_end_the_claim_of_the_next() {
    let platform = platform();
    let late = deliver(&platform, "msg_1", || {
        platform.pass(seen::LEASE + 1);
        let next = deliver(&platform, "msg_1", || {
            // The first one fails now, and gives up what is no longer its own.
            succeed()
        });
        assert_eq!(next, DONE);
        fail()
    });
    assert_eq!(late, FAILED);
    assert_eq!(deliver(&platform, "msg_1", never), SEEN);
}

#[test]
fn a_signature_has_to_be_fresh_when_the_body_has_arrived() {
    let platform = platform();
    assert_eq!(deliver_slowly(&platform, KEY, 300, succeed), DONE);
    let late = deliver_slowly(&platform, KEY, 301, never);
    assert_eq!(refused_by_its_signature(&late), Some("too-old"));
}

#[test]
fn a_replaced_key_has_to_be_valid_when_the_body_has_arrived() {
    let platform = platform();
    platform.set_variable("key_overlap_seconds", "100");
    hand_over(&platform, OTHER);
    let late = deliver_slowly(&platform, KEY, 100, never);
    assert_eq!(refused_by_its_signature(&late), Some("no-match"));
}

#[test]
fn a_claim_begins_when_the_body_has_arrived() {
    let platform = platform();
    platform.set_variable("tolerance_seconds", "1000");
    let outcome = deliver_slowly(&platform, KEY, seen::LEASE + 1, || {
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
    // One of a sender whose clock is ahead is fresh for longer than the tolerance.
    platform.pass(200);
    let mut requests = [captured(), captured(), captured()];
    platform.now.set(NOW);
    let mut receive = |number: usize, process: fn() -> Processed<&'static str>| {
        let request = &mut requests[number];
        receive(request, &platform, &mut Log::of("TEST"), |_, _| process())
    };
    assert_eq!(receive(0, succeed), DONE);
    platform.pass(500);
    assert_eq!(receive(1, never), SEEN);
    platform.pass(1);
    assert_eq!(
        refused_by_its_signature(&receive(2, never)),
        Some("too-old")
    );
}

#[test]
fn an_id_is_remembered_for_the_retry_horizon_and_no_longer() {
    let platform = platform();
    platform.set_variable("retry_horizon_seconds", "1000");
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    platform.pass(1000);
    assert_eq!(deliver(&platform, "msg_1", never), SEEN);
    platform.pass(1);
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
}

#[test]
fn the_ids_that_are_remembered_are_bounded() {
    let platform = platform();
    platform.set_variable("seen_ids_max", "10");
    for number in 0..100 {
        assert_eq!(deliver(&platform, &format!("msg_{number}"), succeed), DONE);
        assert!(remembered(&platform) <= 20, "{}", remembered(&platform));
    }
    assert!(remembered(&platform) >= 10);
    for number in 90..100 {
        assert_eq!(deliver(&platform, &format!("msg_{number}"), never), SEEN);
    }
}

#[test]
fn a_claim_is_kept_whatever_comes_while_it_is_processed() {
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
fn an_id_that_was_claimed_anew_is_among_the_newest() {
    let platform = platform();
    platform.set_variable("seen_ids_max", "3");
    for id in ["a", "b", "c", "d"] {
        assert_eq!(deliver(&platform, id, succeed), DONE);
    }
    platform.pass(345_601);
    for id in ["a", "e", "f"] {
        assert_eq!(deliver(&platform, id, succeed), DONE);
    }
    assert_eq!(deliver(&platform, "a", never), SEEN);
}

#[test]
fn a_delivery_is_processed_where_old_ids_cannot_be_deleted() {
    let platform = platform();
    platform.set_variable("seen_ids_max", "1");
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
    let refuse = "CREATE TRIGGER refuse BEFORE DELETE ON webhook_ids WHEN old.done
        BEGIN SELECT RAISE(ABORT, 'not now'); END";
    platform.execute(refuse, &[]).expect("a trigger");
    assert_eq!(deliver(&platform, "msg_2", succeed), DONE);
    assert_eq!(remembered(&platform), 2, "nothing was to be deleted");
    assert_eq!(deliver(&platform, "msg_2", never), SEEN);
}

#[test]
fn expired_ids_are_deleted() {
    let platform = platform();
    platform.set_variable("tolerance_seconds", "0");
    platform.set_variable("retry_horizon_seconds", "10");
    for number in 0..64 {
        assert_eq!(deliver(&platform, &format!("old_{number}"), succeed), DONE);
    }
    platform.pass(11);
    for number in 0..64 {
        assert_eq!(deliver(&platform, &format!("new_{number}"), succeed), DONE);
    }
    assert!(remembered(&platform) <= 64, "{}", remembered(&platform));
}

#[test]
fn what_is_not_verified_leaves_no_id() {
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
fn a_success_that_cannot_be_recorded_is_answered_as_one() {
    let platform = platform();
    let mut request = signed_by(webhook_signature::Scheme::Standard, &platform, KEY, "msg_1");
    let mut log = Log::of("TEST");
    let outcome = receive(&mut request, &platform, &mut log, |_, _| {
        platform.database_fails.set(true);
        succeed()
    });
    assert_eq!(outcome, DONE);
    assert!(
        log.text().contains("could not be recorded"),
        "{}",
        log.text()
    );
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

/// Whether a delivery signed with `key` is taken.
fn is_taken(platform: &FakePlatform, key: &str) -> bool {
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
    hand_over(&platform, OTHER);
    assert_eq!(
        [KEY, OTHER].map(|key| is_taken(&platform, key)),
        [true, true]
    );
    platform.pass(99);
    assert_eq!(
        [KEY, OTHER].map(|key| is_taken(&platform, key)),
        [true, true]
    );
    platform.pass(1);
    assert_eq!(
        [KEY, OTHER].map(|key| is_taken(&platform, key)),
        [false, true]
    );
}

#[test]
fn without_an_overlap_a_replaced_key_is_refused_at_once() {
    let platform = platform();
    platform.set_variable("key_overlap_seconds", "0");
    hand_over(&platform, OTHER);
    assert_eq!(
        [KEY, OTHER].map(|key| is_taken(&platform, key)),
        [false, true]
    );
}

#[test]
fn each_replaced_key_has_its_own_overlap() {
    let platform = platform();
    platform.set_variable("key_overlap_seconds", "100");
    hand_over(&platform, OTHER);
    platform.pass(60);
    hand_over(&platform, THIRD);
    let taken = || [KEY, OTHER, THIRD].map(|key| is_taken(&platform, key));
    assert_eq!(taken(), [true, true, true]);
    platform.pass(40);
    assert_eq!(taken(), [false, true, true]);
    platform.pass(60);
    assert_eq!(taken(), [false, false, true]);
}

#[test]
fn the_replaced_keys_are_bounded() {
    let platform = platform();
    for number in 0..20 {
        hand_over(&platform, &format!("a key of the number {number:04}"));
    }
    let previous = platform.stored("signing-key-previous").expect("keys");
    assert_eq!(previous.matches("until").count(), 4, "{previous}");
}

#[test]
fn of_two_handshakes_at_once_one_is_put_off() {
    let platform = platform();
    // As the first of them does before it changes the keys.
    let claim = "INSERT INTO webhook_ids (id, until, done) VALUES ('the keys', ?1, 0)";
    let until = i64::try_from(NOW + seen::LEASE).expect("a time");
    platform
        .execute(claim, &[Value::Integer(until)])
        .expect("a row");
    assert_eq!(
        try_hand_over(&platform, OTHER),
        Err(Refusal::HandshakeInProgress)
    );
    assert_eq!(
        [KEY, OTHER].map(|key| is_taken(&platform, key)),
        [true, false]
    );
    platform.pass(seen::LEASE + 1);
    hand_over(&platform, OTHER);
}

#[test]
fn neither_an_answer_nor_the_log_shows_a_key() {
    let platform = platform();
    hand_over(&platform, OTHER);
    let mut log = Log::of("TEST");
    for key in [KEY, OTHER, THIRD] {
        let mut request = signed_by(webhook_signature::Scheme::Standard, &platform, key, "msg_1");
        let outcome = receive(&mut request, &platform, &mut log, |_, _| succeed());
        if let Err(refusal) = outcome {
            log.line(format!("{refusal} {refusal:?} {:?}", refusal.answer()));
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

/// Receives a delivery at a registration: what became of it, or the code of the refusal.
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
fn registrations_verify_each_under_its_own_key_for_as_long_as_they_are_registered() {
    let platform = platform();
    let (one, other) = (
        Registration::default(),
        Registration::of_query("customer=7"),
    );
    assert_eq!(
        deliver_to(&other, &platform, KEY, "msg_1"),
        Err("no-key".to_owned())
    );
    hand_over_to(&other, &platform, OTHER).expect("the key is taken");
    // Long after any overlap of replaced keys.
    platform.pass(1_000_000);
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
fn an_id_is_seen_by_the_registration_that_processed_it_alone() {
    let platform = platform();
    let registrations = ["", "a=1", "a=2"].map(Registration::of_query);
    for registration in &registrations {
        hand_over_to(registration, &platform, KEY).expect("the key is taken");
    }
    for registration in &registrations {
        let first = deliver_to(registration, &platform, KEY, "msg_1");
        assert_eq!(first, Ok(Received::Processed("done")));
        let again = deliver_to(registration, &platform, KEY, "msg_1");
        assert_eq!(again, Ok(Received::Seen));
    }
}

#[test]
fn a_body_that_is_not_as_long_as_announced_is_not_processed() {
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
    let offered = Handshake {
        registration: &Registration::default(),
        token: None,
        open: true,
    };
    let mut log = Log::of("TEST");
    let outcome = handshake(offered, &mut handshake_cut_off, &platform, &mut log);
    assert_eq!(outcome, Err(Refusal::Body(BodyError::BrokenOff)));
    assert_eq!(deliver(&platform, "msg_1", succeed), DONE);
}

/// Returns the code and the text that a request with these headers is refused with.
fn refused_with(platform: &FakePlatform, headers: &[(&str, &str)]) -> String {
    let own = |(name, value): &(&str, &str)| (name.to_string(), value.as_bytes().to_vec());
    let mut request = FakeRequest {
        method: "POST".to_owned(),
        target: "/target".to_owned(),
        headers: headers.iter().map(own).collect(),
        body: Some(b"{}".to_vec()),
    };
    let outcome = receive(&mut request, platform, &mut Log::of("TEST"), |_, _| never());
    let refusal = outcome.expect_err("it is refused");
    format!("{}: {refusal}", refusal.problem().code())
}

#[test]
fn a_refusal_names_the_likely_mistake() {
    let platform = platform();
    let svix = refused_with(
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
    let late = refused_with(
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
    let far = refused_with(
        &platform,
        &[
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", "1614269999"),
            ("webhook-signature", &signature),
        ],
    );
    assert_eq!(far, "too-new: the signature is dated in the future");
    let prefixed = format!("sha256={}", "a".repeat(64));
    let prefixed = refused_with(&platform, &[("X-Signature", &prefixed)]);
    assert!(prefixed.starts_with("malformed-header: "), "{prefixed}");
    assert!(prefixed.contains("`sha256=`"), "{prefixed}");
}
