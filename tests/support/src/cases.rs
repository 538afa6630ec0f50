//! Folders of test cases: an input file for each case, with its expected output in a snapshot beside
//! it.
//!
//! `NAME.EXTENSION` is an input and `NAME.snap` its output, in the format of [`insta`].
//! `INSTA_UPDATE=always cargo test` accepts the outputs of a run; review the difference before you
//! commit it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Runs every case in `folder`, relative to the folder of the package, and compares its output with
/// its snapshot.
///
/// # Panics
///
/// An output differs, a snapshot has no input, or there are fewer than `at_least` cases.
pub fn check(folder: &str, extension: &str, at_least: usize, run: impl Fn(&Path) -> String) {
    let folder = std::path::absolute(folder).expect("there is a working directory");
    let cases = names(&folder, extension);
    assert!(
        cases.len() >= at_least,
        "`{}` has {} cases, and at least {at_least} are required",
        folder.display(),
        cases.len()
    );
    let snapshots = names(&folder, "snap");
    let orphans: Vec<_> = snapshots.difference(&cases).collect();
    assert!(orphans.is_empty(), "snapshots without a case: {orphans:?}");
    let differs = |case: &&String| {
        let input = folder.join(format!("{case}.{extension}"));
        let check = || check_case(&folder, case, &input, run(&input));
        catch_unwind(AssertUnwindSafe(check)).is_err()
    };
    let failed: Vec<_> = cases.iter().filter(differs).collect();
    assert!(failed.is_empty(), "cases with another outcome: {failed:?}");
}

fn check_case(folder: &Path, case: &str, input: &Path, output: String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(input);
    settings.bind(|| insta::assert_snapshot!(case.to_owned(), output));
}

fn names(folder: &Path, extension: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("`{}`: {error}", folder.display()));
    let files = entries.map(|entry| entry.expect("the folder can be read").path());
    let cases = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    let name = |path: PathBuf| {
        let stem = path.file_stem().expect("a file has a name");
        stem.to_str().expect("the name is UTF-8").to_owned()
    };
    cases.map(name).collect()
}
