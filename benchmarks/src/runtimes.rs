//! The measured runtimes: `spin-local`, and Spin if it is installed.

use test_support::{Runtime, components};

/// Returns the release build of `spin-local`, and Spin if it is on the PATH.
///
/// # Errors
///
/// `make bench` has not built `spin-local`.
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
