//! Stores that fail, bodies that are cut off, and the texts of refusals.

use webhook_receiver::{BodyError, Handshake, Log, Refusal, Registration, check_health, handshake};

use crate::deliveries::{
    DONE, KEY, OTHER, deliver, never, platform, receive, signed_by, succeed, try_handshake,
};
use crate::platform::{FakePlatform, FakeRequest};

test_support::on_every_store!(a_store_that_fails_is_a_503_and_changes_nothing,);

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
