//! Runs the consumer on every case of `crates/webhook-signature/tests/conformance.json`, over HTTP, on
//! every available runtime.

use test_support::conformance::Consumer;
use test_support::{Runtime, components};

#[tokio::test]
async fn the_consumer_has_the_expected_outcome_in_every_conformance_case() {
    let consumer = Consumer::of(components::consumer());
    let runtimes = [Some(Runtime::spin_local()), Runtime::spin()];
    for runtime in runtimes.iter().flatten() {
        let report = consumer.run(runtime).await;
        report.assert_conforms();
    }
}
