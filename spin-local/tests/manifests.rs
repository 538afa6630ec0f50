//! Every manifest in `tests/cases/manifests` is read as expected, or refused in the expected words.
//!
//! What is given outside a manifest stands in its comments: `#> --variable a=b`, `#> --env A=b`,
//! or `#> A=b` for the environment of the process.

mod cases;

use std::fmt::Write;
use std::path::Path;

use spin_local::{App, Component, FileMount, Given, RouteTarget};

#[test]
fn every_manifest_is_read_or_refused_as_expected() {
    cases::check("manifests", "toml", 60, |text| {
        match App::from_text(text, Path::new("/app"), &given(text)) {
            Ok(app) => describe(&app),
            Err(error) => format!("refused: {error}\n"),
        }
    });
}

#[test]
fn a_manifest_is_found_in_its_folder_and_its_folder_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = include_str!("cases/manifests/minimal.toml");
    std::fs::write(folder.path().join("spin.toml"), manifest).unwrap();

    for path in [folder.path().to_owned(), folder.path().join("spin.toml")] {
        let app = App::load(&path, &Given::default()).unwrap();
        assert_eq!(app.dir, folder.path());
        assert_eq!(app.components[0].source, folder.path().join("shop.wasm"));
    }
}

#[test]
fn a_missing_manifest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.toml");
    let error = App::load(&path, &Given::default())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.starts_with(&format!("`{}` cannot be read: ", path.display())),
        "{error}"
    );
}

#[test]
fn a_fault_names_the_file_as_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.toml");
    std::fs::write(&path, "spin_manifest_version = 2\n").unwrap();
    let error = App::load(&path, &Given::default()).err().unwrap();
    let expected = format!("{}:1: `application` is missing", path.display());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_file_of_variables_is_asked_after_the_environment_and_before_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(".env");
    std::fs::write(&file, "SPIN_VARIABLE_A=file\nSPIN_VARIABLE_B=file\n").unwrap();
    let manifest = include_str!("cases/manifests/minimal.toml").replace(
        "[[trigger.http]]",
        "[variables]\na.default = \"\"\nb.default = \"\"\nc.default = \"\"\n[[trigger.http]]",
    ) + "variables = { all = \"{{a}} {{b}} {{c}}\" }\n";
    let mut given = Given {
        environment_file: Some(file),
        ..Given::default()
    };
    let process = &mut given.process_environment;
    process.insert("SPIN_VARIABLE_A".into(), "process".into());

    let app = App::from_text(&manifest, folder.path(), &given).unwrap();
    assert_eq!(app.components[0].variables["all"], "process file ");
}

fn given(text: &str) -> Given {
    let mut given = Given::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("#> ")) {
        if let Some(argument) = line.strip_prefix("--variable ") {
            given.add_variable(argument).unwrap();
        } else if let Some((name, value)) = line.split_once('=') {
            match name.strip_prefix("--env ") {
                Some(name) => given.environment.push((name.into(), value.into())),
                None => {
                    given.process_environment.insert(name.into(), value.into());
                }
            }
        }
    }
    given
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
