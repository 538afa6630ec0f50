//! A part of the matrix, with every run of the tests. `make chaos` runs the whole.

use std::path::PathBuf;

use chaos::{Bench, Run, run, subset};
use test_support::components;

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_holds_in_the_cells_that_cover_the_most() {
    let seed = rand::random();
    println!("CHAOS_SEED={seed}");
    let bench = Bench {
        program: components::webhook_sender(),
        folder: PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
    };
    let outcomes = run(&Run { bench, jobs: 3 }, &subset(seed)).await;
    // Other systems lack what some cells need; the result names these cells.
    let everything =
        cfg!(target_os = "linux") && std::env::var_os("CI").is_some_and(|ci| ci == "true");
    let bad = outcomes.iter().filter(|outcome| {
        !outcome.failures.is_empty() || (everything && outcome.missing.is_some())
    });
    let bad: Vec<_> = bad.map(|outcome| outcome.cell.as_str()).collect();
    assert!(
        bad.is_empty(),
        "CHAOS_SEED={seed}: {bad:?}; what each broke is printed above"
    );
}
