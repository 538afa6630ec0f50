//! `crates/webhook-signature/tests/conformance.json`, over HTTP, on every available runtime.

use test_support::Runtime;
use test_support::conformance::Consumer;

use crate::examples;

async fn assert_conforms(name: &str) {
    if let Some(example) = examples::named(name) {
        let consumer = Consumer::of(example.folder());
        let runtimes = [Some(Runtime::spin_local()), Runtime::spin()];
        for runtime in runtimes.iter().flatten() {
            consumer.run(runtime).await.assert_conforms();
        }
    }
}

#[tokio::test]
async fn the_python_consumer_has_the_expected_outcome_in_every_case() {
    assert_conforms("consumer-python").await;
}

#[tokio::test]
async fn the_javascript_consumer_has_the_expected_outcome_in_every_case() {
    assert_conforms("consumer-javascript").await;
}
