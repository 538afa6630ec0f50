//! The consumer against every case of `crates/webhook-signature/tests/conformance.json`, over HTTP, on every
//! runtime there is.

use test_support::conformance::Consumer;
use test_support::{Runtime, components};

#[tokio::test]
async fn the_consumer_answers_every_case_of_the_conformance_file_as_it_asks() {
    let consumer = Consumer::of(components::consumer());
    let runtimes = [Some(Runtime::spin_local()), Runtime::spin()];
    for runtime in runtimes.iter().flatten() {
        let report = consumer.judge(runtime).await;
        report.assert_conforms();
    }
}
