//! The time for which ids are remembered, and their number.

use webhook_receiver::{Database, Log, Processed, Refusal};

use crate::deliveries::{
    DONE, DUPLICATE, KEY, deliver, never, platform, receive, signature_code, signed_by, succeed,
};
use crate::platform::NOW;

test_support::on_every_store!(
    an_id_is_remembered_for_as_long_as_its_signature_is_fresh,
    an_id_is_remembered_for_the_retry_horizon_and_no_longer,
    the_number_of_remembered_ids_is_bounded,
    a_claim_in_progress_is_never_pruned,
    an_id_that_is_claimed_again_counts_as_new,
);

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
