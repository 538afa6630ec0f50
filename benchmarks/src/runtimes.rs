//! The runtimes that are measured: always `spin-local`, and Spin where there is one.

use test_support::{Runtime, components};

/// `spin-local` as users get it, optimised, which `make bench` has built; then Spin if it is on
/// the PATH.
pub fn all() -> anyhow::Result<Vec<Runtime>> {
    let built = components::root().join("target/release/spin-local");
    anyhow::ensure!(
        built.is_file(),
        "`{}` is missing: run `make bench`",
        built.display()
    );
    let mut runtimes = vec![Runtime::spin_local_at(built)];
    runtimes.extend(Runtime::spin());
    Ok(runtimes)
}
