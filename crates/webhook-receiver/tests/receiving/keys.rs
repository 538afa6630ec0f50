//! Keys that are replaced, and their overlaps.

use webhook_receiver::{Log, Refusal, dedup};

use crate::deliveries::{
    KEY, OTHER, THIRD, platform, receive, shake_hands, signed_by, succeed, try_handshake,
};
use crate::platform::{FakePlatform, NOW};

test_support::on_every_store!(
    a_replaced_key_is_accepted_until_its_overlap_has_passed,
    without_an_overlap_a_replaced_key_is_rejected_at_once,
    each_replaced_key_has_its_own_overlap,
    the_number_of_replaced_keys_is_bounded,
    a_concurrent_handshake_gets_a_conflict,
    neither_a_response_nor_the_log_contains_a_key,
);

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
