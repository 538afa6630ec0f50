//! The manifests in `tests/cases/manifests`, with the app or the error that each results in.
//!
//! Comments in a manifest contain overrides: `#> --variable a=b`, `#> --env A=b`, or `#> A=b` for the
//! environment of the process.

use std::fmt::Write;
use std::path::Path;

use spin_local::{App, Component, FileMount, Overrides, RouteTarget};
use test_support::cases;

#[test]
fn every_manifest_has_the_expected_outcome() {
    cases::check("tests/cases/manifests", "toml", 60, |input| {
        let text = std::fs::read_to_string(input).unwrap();
        match App::from_text(&text, Path::new("/app"), &overrides(&text)) {
            Ok(app) => describe(&app),
            Err(error) => format!("error: {error}\n"),
        }
    });
}

#[test]
fn a_manifest_can_be_loaded_by_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = include_str!("cases/manifests/minimal.toml");
    std::fs::write(folder.path().join("spin.toml"), manifest).unwrap();

    for path in [folder.path().to_owned(), folder.path().join("spin.toml")] {
        let app = App::load(&path, &Overrides::default()).unwrap();
        assert_eq!(app.dir, folder.path());
        assert_eq!(app.components[0].source, folder.path().join("shop.wasm"));
    }
}

#[test]
fn a_missing_manifest_is_reported_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.toml");
    let error = App::load(&path, &Overrides::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.starts_with(&format!("cannot read `{}`: ", path.display())),
        "{error}"
    );
}

#[test]
fn a_fault_has_the_path_of_the_manifest_as_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.toml");
    std::fs::write(&path, "spin_manifest_version = 2\n").unwrap();
    let error = App::load(&path, &Overrides::default()).err().unwrap();
    let path = path.display();
    let expected = format!("{path}:1: `application` is missing\n{path}:1: `trigger` is missing");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_environment_file_has_less_precedence_than_the_environment_and_more_than_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    std::fs::write(&file, "SPIN_VARIABLE_A=file\nSPIN_VARIABLE_B=file\n").unwrap();
    let manifest = include_str!("cases/manifests/minimal.toml").replace(
        "[[trigger.http]]",
        "[variables]\na.default = \"\"\nb.default = \"\"\nc.default = \"\"\n[[trigger.http]]",
    ) + "variables = { all = \"{{a}} {{b}} {{c}}\" }\n";
    let mut overrides = Overrides {
        environment_file: Some(file),
        ..Overrides::default()
    };
    let process = &mut overrides.process_environment;
    process.insert("SPIN_VARIABLE_A".into(), "process".into());

    let app = App::from_text(&manifest, folder.path(), &overrides).unwrap();
    assert_eq!(app.components[0].variables["all"], "process file ");
}

fn overrides(text: &str) -> Overrides {
    let mut overrides = Overrides::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("#> ")) {
        if let Some(argument) = line.strip_prefix("--variable ") {
            overrides.add_variable(argument).unwrap();
        } else if let Some((name, value)) = line.split_once('=') {
            match name.strip_prefix("--env ") {
                Some(name) => overrides.environment.push((name.into(), value.into())),
                None => {
                    overrides
                        .process_environment
                        .insert(name.into(), value.into());
                }
            }
        }
    }
    overrides
}

fn describe(app: &App) -> String {
    let mut text = format!(
        "app {:?} {:?} in {}\n",
        app.name,
        app.version,
        app.dir.display()
    );
    for component in &app.components {
        describe_component(component, &mut text).unwrap();
    }
    for route in &app.routes {
        let target = match route.target {
            RouteTarget::Component(index) => app.components[index].id.clone(),
            RouteTarget::Static(index) => format!("{:?}", app.static_responses[index]),
        };
        writeln!(text, "route {} -> {target}", route.pattern).unwrap();
    }
    for warning in &app.warnings {
        writeln!(text, "warning: {warning}").unwrap();
    }
    text
}

fn describe_component(component: &Component, text: &mut String) -> std::fmt::Result {
    let idle = if component.triggered {
        ""
    } else {
        " (no trigger)"
    };
    writeln!(
        text,
        "component {}: {}{idle}",
        component.id,
        component.source.display()
    )?;
    if !component.description.is_empty() {
        writeln!(text, "  {}", component.description)?;
    }
    for dependency in &component.dependencies {
        let inherit = match dependency.inherit.as_slice() {
            [] => String::new(),
            inherited => format!(", inherits {}", inherited.join(" ")),
        };
        let export = dependency
            .export
            .as_ref()
            .map(|name| format!(", export {name}"));
        let (path, export) = (dependency.path.display(), export.unwrap_or_default());
        writeln!(
            text,
            "  dependency {}: {path}{export}{inherit}",
            dependency.name
        )?;
    }
    for (name, value) in &component.environment {
        writeln!(text, "  environment {name}={value}")?;
    }
    for mount in &component.files {
        match mount {
            FileMount::Pattern(pattern) => writeln!(text, "  files {pattern}")?,
            FileMount::Placement {
                source,
                destination,
            } => writeln!(text, "  files {source} at {destination}")?,
        }
    }
    for pattern in &component.exclude_files {
        writeln!(text, "  no files {pattern}")?;
    }
    if let Some(build) = &component.build {
        writeln!(text, "  build {:?} in {:?}", build.commands, build.workdir)?;
    }
    for label in &component.key_value_stores {
        writeln!(text, "  key-value {label}")?;
    }
    for label in &component.sqlite_databases {
        writeln!(text, "  sqlite {label}")?;
    }
    for host in &component.allowed_outbound_hosts {
        writeln!(text, "  host {host}")?;
    }
    for (name, value) in &component.variables {
        writeln!(text, "  variable {name}={value}")?;
    }
    Ok(())
}

#[test]
fn all_faults_of_a_manifest_are_reported_in_the_order_of_their_lines() {
    let manifest = include_str!("cases/manifests/minimal.toml")
        .replace("[application]", "[application]\nauthors = 1")
        + "descripton = \"\"\nkey_value_stores = [1, 2]\n";
    let error = App::from_text(&manifest, Path::new("/app"), &Overrides::default());
    let error = error.err().unwrap().to_string();
    let lines: Vec<_> = error
        .lines()
        .map(|line| line.split(": ").last().unwrap())
        .collect();
    let expected = [
        "`application.authors` must be a list, not a number",
        "unknown key `descripton`; did you mean `description`?",
        "an item of `key_value_stores` must be a string, not a number",
        "an item of `key_value_stores` must be a string, not a number",
    ];
    assert_eq!(lines, expected, "{error}");
}
