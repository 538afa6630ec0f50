//! The part of the matrix that belongs to the test suite. `make chaos` runs all of it.

use std::path::PathBuf;

use chaos::{Bench, Run, run, subset};
use test_support::components;

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_holds_in_the_cells_of_the_test_suite() {
    let seed = rand::random();
    println!("CHAOS_SEED={seed}");
    let bench = Bench {
        program: components::webhook_sender(),
        folder: PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
    };
    let outcomes = run(&Run { bench, jobs: 3 }, &subset(seed)).await;
    // Other systems lack tools for some cells. The output lists these cells.
    let everything =
        cfg!(target_os = "linux") && std::env::var_os("CI").is_some_and(|ci| ci == "true");
    let bad = outcomes.iter().filter(|outcome| {
        !outcome.failures.is_empty() || (everything && outcome.missing.is_some())
    });
    let bad: Vec<_> = bad.map(|outcome| outcome.cell.as_str()).collect();
    assert!(
        bad.is_empty(),
        "CHAOS_SEED={seed}: {bad:?}; the broken promises are printed above"
    );
}
