//! Transforms that are components: their results, their bounds, and the example.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use event_transforms::component::{Component, Folder, RunError};
use event_transforms::expression::Vars;
use event_transforms::{MAX_OUTPUT_BYTES, Programs, Rendered};
use tempfile::TempDir;
use test_fixtures::transform::{ECHO, TRANSFORM, component, component_of, module};
use webhook_model::{Event, Millis};

use crate::events::{acme, event};

/// Writes a file with these bytes, in a folder that is deleted when the returned value is dropped.
fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transform.wasm");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn run(wat: &str) -> Result<Option<String>, RunError> {
    let (_folder, path) = file(&component(wat));
    run_file(&path, &event("evt_1", r#"{"a":  1}"#))
}

fn run_file(path: &Path, event: &Event) -> Result<Option<String>, RunError> {
    let folder = Folder::new(path.parent().unwrap());
    let component = Component::load(&folder, path);
    let component = component.unwrap_or_else(|error| panic!("{}", error.detail()));
    let body = component.run(&acme(), event, MAX_OUTPUT_BYTES)?;
    Ok(body.map(|body| String::from_utf8(body).unwrap()))
}

/// Returns the reason for which a file is rejected, without its path.
fn refusal(bytes: &[u8]) -> String {
    let (folder, path) = file(bytes);
    let error = Component::load(&Folder::new(folder.path()), &path);
    let error = error.err().expect("the file is rejected").detail();
    error.replace(&format!("`{}`: ", path.display()), "")
}

#[test]
fn a_component_makes_the_body() {
    assert_eq!(run(ECHO), Ok(Some(r#"{"a":  1}"#.into())));
}

#[test]
fn a_component_can_send_nothing() {
    let none = "(call $result (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))";
    assert_eq!(run(none), Ok(None));
}

#[test]
fn a_component_can_return_a_reason_instead_of_a_body() {
    let refuse = |case| {
        run(&format!(
            "(call $result (i32.const 1) (i32.const {case}) (local.get 0) (local.get 1))"
        ))
    };
    assert_eq!(
        refuse(0),
        Err(RunError::Refused("unexpected: evt_1".into()))
    );
    assert_eq!(refuse(1), Err(RunError::Refused("failed: evt_1".into())));
    let long = "(call $result (i32.const 1) (i32.const 1) (i32.const 1024) (i32.const 60000))";
    let Err(RunError::Refused(reason)) = run(long) else {
        panic!("not refused")
    };
    assert!(
        reason.chars().count() < 400,
        "{} characters",
        reason.chars().count()
    );
}

#[test]
fn a_component_that_never_ends_is_stopped() {
    assert_eq!(
        run("(call $for_ever) unreachable"),
        Err(RunError::OutOfSteps)
    );
}

#[test]
fn the_memory_of_a_component_is_bounded() {
    // The component grows by a mebibyte until growing fails; beyond 33 MiB it reports that it has
    // no bound.
    let grow = format!(
        "(loop $more
            (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then
                (return (call $result (i32.const 1) (i32.const 0) (local.get 0) (local.get 1)))))
            (br_if $more (i32.lt_u (memory.size) (i32.const 528))))
         {ECHO}"
    );
    assert_eq!(
        run(&grow),
        Err(RunError::Refused("unexpected: evt_1".into()))
    );
}

#[test]
fn a_component_that_traps_is_an_error() {
    let broken = [
        "unreachable",
        "(call $recurse) unreachable",
        // Strings outside of its memory, strings that are not UTF-8, and cases that do not exist.
        "(call $result (i32.const 0) (i32.const 1) (i32.const -1) (i32.const 8))",
        "(call $result (i32.const 0) (i32.const 1) (i32.const 0) (i32.const -1))",
        "(i32.store8 (i32.const 0) (i32.const 255))
         (call $result (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))",
        "(call $result (i32.const 9) (i32.const 1) (i32.const 0) (i32.const 1))",
        "(call $result (i32.const 1) (i32.const 9) (i32.const 0) (i32.const 1))",
        "i32.const 3",
        "i32.const -16",
    ];
    for wat in broken {
        assert!(
            matches!(run(wat), Err(RunError::Trapped(_))),
            "{wat}: {:?}",
            run(wat)
        );
    }
}

#[test]
fn a_body_is_json_of_a_bounded_size() {
    let id = "(call $result (i32.const 0) (i32.const 1) (local.get 0) (local.get 1))";
    assert_eq!(run(id), Err(RunError::NotJson));
    let empty = "(call $result (i32.const 0) (i32.const 1) (local.get 0) (i32.const 0))";
    assert_eq!(run(empty), Err(RunError::NotJson));
    let large = "(drop (memory.grow (i32.const 20)))
        (call $result (i32.const 0) (i32.const 1) (i32.const 1024) (i32.const 1048577))";
    assert_eq!(run(large), Err(RunError::TooLarge(MAX_OUTPUT_BYTES)));
}

#[test]
fn each_event_has_an_instance_of_its_own() {
    // The component returns true if it has run before, according to a variable that only it writes.
    let count = "(i32.store8 (i32.const 8) (i32.add (i32.load8_u (i32.const 8)) (i32.const 49)))
        (call $result (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 1))";
    let (_folder, path) = file(&component(count));
    for _ in 0..3 {
        assert_eq!(run_file(&path, &event("evt_1", "1")), Ok(Some("1".into())));
    }
}

#[test]
fn a_file_that_is_not_a_transform_component_is_rejected() {
    assert!(refusal(b"not wasm").starts_with("not a component: "));
    let module = wat::parse_str("(module)").unwrap();
    assert!(
        refusal(&module).starts_with("not a component: "),
        "{}",
        refusal(&module)
    );
    let empty = wat::parse_str("(component)").unwrap();
    let name = "signed-webhooks:transform/transform@0.1.0";
    assert_eq!(refusal(&empty), format!("it does not export `{name}`"));
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.wasm"), folder.path().into()] {
        let loaded = Component::load(&Folder::new(folder.path()), &path);
        assert!(loaded.is_err(), "{}", path.display());
    }
}

#[test]
fn a_component_may_import_nothing() {
    let wit = TRANSFORM.replace(
        "    export transform;",
        "    import now: func() -> u64;\n    export transform;",
    );
    assert_ne!(wit, TRANSFORM);
    let export = "signed-webhooks:transform/transform@0.1.0#transform";
    let module = module(export, 13, "(drop (call $now)) unreachable");
    let module = module.replacen(
        "(module",
        r#"(module (import "$root" "now" (func $now (result i64)))"#,
        1,
    );
    let bytes = component_of(&wit, "signed-webhooks:transform/transformer", &module);
    assert_eq!(refusal(&bytes), "it imports `now`, and may import nothing");
}

#[test]
fn a_function_of_another_type_is_rejected() {
    let export = "signed-webhooks:transform/transform@0.1.0#transform";
    let changes = [
        (
            "        data: string,\n",
            "        data: string,\n        more: string,\n",
            15,
        ),
        ("        id: string,", "        uid: string,", 13),
        ("result<option<string>, error>", "result<string, error>", 13),
        (
            "        failed(string),",
            "        failed(string),\n        other(string),",
            13,
        ),
    ];
    for (from, to, params) in changes {
        let wit = TRANSFORM.replace(from, to);
        assert_ne!(wit, TRANSFORM, "{from}");
        let module = module(export, params, "unreachable");
        let bytes = component_of(&wit, "signed-webhooks:transform/transformer", &module);
        assert!(
            refusal(&bytes).contains("is not of the type"),
            "{to}: {}",
            refusal(&bytes)
        );
    }
}

/// Builds the example from the tree, with the command of its documentation.
fn example() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = test_support::without_package(&mut Command::new(cargo))
        .current_dir(root)
        .args(["rustc", "-p", "transform-component", "--release"])
        .args([
            "--target",
            "wasm32-unknown-unknown",
            "--message-format",
            "json",
        ])
        .args(["--", "-C", "linker=wasm-component-ld"])
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let messages = String::from_utf8(built.stdout).unwrap();
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut files = messages.filter_map(|message: serde_json::Value| {
        let ours = message["target"]["name"] == "transform_component";
        ours.then(|| message["filenames"][0].as_str().map(PathBuf::from))
            .flatten()
    });
    files
        .next_back()
        .expect("cargo names the file it has built")
}

#[test]
fn the_example_returns_the_amount_sold() {
    let path = example();
    let sold = |data: &str| run_file(&path, &event("evt_1", data.to_owned()));
    let order = r#"{"lines": [{"count": 2, "price": 9.5}, {"count": 1, "price": 0.29}]}"#;
    let body = r#"{"at":"2027-01-15T08:00:00.000Z","cents":1929,"event":"evt_1","pieces":3}"#;
    assert_eq!(sold(order), Ok(Some(body.into())));
    assert_eq!(sold(r#"{"lines": []}"#), Ok(None));
    let lacks = |reason: &str| Err(RunError::Refused(format!("unexpected: {reason}")));
    assert_eq!(sold("{}"), lacks("the order has no list `lines`"));
    assert_eq!(
        sold(r#"{"lines": [{"count": 1}]}"#),
        lacks("line 0 has no `price`")
    );
    let deep = "[".repeat(500) + &"]".repeat(500);
    assert!(
        matches!(sold(&deep), Err(RunError::Refused(reason)) if reason.starts_with("failed: "))
    );
}

#[test]
fn a_filter_decides_before_a_component_runs() {
    let (folder, path) = file(&component(ECHO));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap();
    let endpoint = webhook_model::Endpoint {
        filter: Some("event.data.paid".into()),
        transform_component: Some(name.into()),
        ..test_fixtures::endpoint(&acme(), "all", Millis(0))
    };
    let programs = Programs::compile(&endpoint, &Folder::new(folder.path())).unwrap();
    let made = |event: &Event| programs.run(&acme(), event, &Vars::new(&acme(), event));
    assert_eq!(
        made(&event("evt_1", r#"{"paid": false}"#)),
        Rendered::Unwanted
    );
    let paid = r#"{"paid": true}"#;
    assert_eq!(made(&event("evt_1", paid)), Rendered::Body(paid.into()));
}
