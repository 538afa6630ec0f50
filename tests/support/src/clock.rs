//! Apps whose wall clock is stopped at a time that a test chooses.
//!
//! ```no_run
//! # async fn run() {
//! use test_support::{Runtime, clock, components};
//!
//! let app = clock::stopped(components::consumer());
//! let running = app.clone().args(clock::at(1_614_265_330)).start(&Runtime::spin_local()).await;
//! running.stop().await;
//! // A day later, with the same stores.
//! let running = app.args(clock::at(1_614_265_330 + 86_400)).start(&Runtime::spin_local()).await;
//! # }
//! ```
//!
//! Only that clock is replaced: each component that imports it gets the component in
//! `tests/support/clock` as a further dependency, in a copy of the manifest. An app has no variable
//! for its clock, because anyone who could set that variable could make it accept old requests.

use std::path::Path;

use toml_edit::{DocumentMut, Item, TableLike, value};

use crate::{App, components};

/// The import that is replaced, in any version, and the export of the clock.
const CLOCK: &str = "wasi:clocks/wall-clock";
const EXPORT: &str = "wasi:clocks/wall-clock@0.2.0";

/// Returns the app of the manifest in `folder`, whose components must be built. It needs the options
/// of [`at`].
///
/// # Panics
///
/// No component imports the clock.
pub fn stopped(folder: impl AsRef<Path>) -> App {
    App::of_text(&with_clock(folder.as_ref()))
}

/// Returns the options that set the clock, in Unix seconds.
pub fn at(seconds: u64) -> [String; 2] {
    ["--env".to_owned(), format!("WALL_CLOCK_SECONDS={seconds}")]
}

fn with_clock(folder: &Path) -> String {
    let path = folder.join("spin.toml");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read `{}`: {error}", path.display()));
    let mut manifest: DocumentMut = text.parse().expect("the manifest is TOML");
    let components = manifest["component"].as_table_mut().expect("a table");
    let mut clocks = 0;
    for (_, component) in components.iter_mut() {
        let component = component.as_table_like_mut().expect("a table");
        make_absolute(component, folder);
        if imports_clock(component) {
            replace_clock(component);
            clocks += 1;
        }
    }
    assert!(
        clocks > 0,
        "no component of `{}` imports `{CLOCK}`",
        path.display()
    );
    manifest.to_string()
}

fn make_absolute(component: &mut dyn TableLike, folder: &Path) {
    set_absolute(component.get_mut("source"), folder);
    let Some(dependencies) = component.get_mut("dependencies") else {
        return;
    };
    let dependencies = dependencies.as_table_like_mut().expect("a table");
    for (_, dependency) in dependencies.iter_mut() {
        let dependency = dependency.as_table_like_mut();
        set_absolute(dependency.and_then(|table| table.get_mut("path")), folder);
    }
}

fn set_absolute(path: Option<&mut Item>, folder: &Path) {
    if let Some(path) = path
        && let Some(relative) = path.as_str()
    {
        let absolute = folder.join(relative);
        *path = value(absolute.to_str().expect("a path of text"));
    }
}

fn imports_clock(component: &dyn TableLike) -> bool {
    let source = component.get("source").and_then(Item::as_str);
    let source = std::fs::read(source.expect("a source that is a file")).expect("it can be read");
    source
        .windows(CLOCK.len())
        .any(|window| window == CLOCK.as_bytes())
}

/// Adds the stopped clock. It inherits the configuration because it reads its time from the
/// environment.
fn replace_clock(component: &mut dyn TableLike) {
    component.insert("dependencies_inherit_configuration", value(true));
    let mut clock = toml_edit::InlineTable::new();
    let path = components::clock();
    clock.insert("path", path.to_str().expect("a path of text").into());
    clock.insert("export", EXPORT.into());
    let dependencies = component
        .entry("dependencies")
        .or_insert_with(toml_edit::table);
    let dependencies = dependencies.as_table_like_mut().expect("a table");
    dependencies.insert(CLOCK, value(clock));
}
