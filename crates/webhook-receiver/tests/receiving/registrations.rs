//! Registrations with keys and ids of their own.

use webhook_receiver::{Log, Received, Registration};

use crate::deliveries::{KEY, OTHER, handshake_for, platform, signed_by, succeed};
use crate::platform::FakePlatform;

test_support::on_every_store!(
    each_registration_verifies_under_its_own_key_without_expiry,
    an_id_is_a_duplicate_only_for_the_registration_that_processed_it,
);

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
