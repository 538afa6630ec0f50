//! Cases in a folder: an input beside the text that is expected of it.
//!
//! `tests/cases/<folder>/<case>.<extension>` is an input and `<case>.expected` what it must come
//! to. `BLESS=1 cargo test` writes what came out as expected; read the difference before you
//! commit it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Runs every case of `folder`. Fails for each that comes out otherwise than expected, for an
/// expectation without a case, and where there are fewer than `at_least` cases.
pub fn check(folder: &str, extension: &str, at_least: usize, run: impl Fn(&str) -> String) {
    let folder = Path::new("tests/cases").join(folder);
    let cases = names(&folder, extension);
    assert!(
        cases.len() >= at_least,
        "`{}` has {} cases of the {at_least} there are at least",
        folder.display(),
        cases.len()
    );
    let strays: Vec<_> = names(&folder, "expected")
        .difference(&cases)
        .cloned()
        .collect();
    assert!(strays.is_empty(), "expected without a case: {strays:?}");
    let failures: Vec<_> = cases
        .iter()
        .filter_map(|case| failure(&folder, case, extension, &run))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn names(folder: &Path, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let files = entries.map(|entry| entry.unwrap().path());
    let cases = files.filter(|path| path.extension().is_some_and(|found| found == extension));
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    cases.map(name).collect()
}

fn failure(
    folder: &Path,
    case: &str,
    extension: &str,
    run: impl Fn(&str) -> String,
) -> Option<String> {
    let input = folder.join(format!("{case}.{extension}"));
    let expected = folder.join(format!("{case}.expected"));
    let outcome = run(&fs::read_to_string(input).unwrap());
    if std::env::var_os("BLESS").is_some() {
        fs::write(&expected, &outcome).unwrap();
    }
    let wanted = fs::read_to_string(&expected).unwrap_or_default();
    (outcome != wanted).then(|| format!("{case}: expected\n{wanted}\nand got\n{outcome}"))
}
