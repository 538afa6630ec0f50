//! Files of the app's folder that a component can read.

use std::fs;

use serde_json::{Value, json};
use test_support::App;

use crate::probe::*;

/// Returns the probe with these lines in its table, in a folder with some files.
fn app_with(grants: &str) -> App {
    let app = probe_with(grants);
    for (path, content) in [
        ("assets/index.html", "the page"),
        ("assets/img/logo.svg", "the logo"),
        ("assets/img/.hidden", "the hidden"),
        ("assets/secrets/key", "the key"),
        ("notes.txt", "the notes"),
    ] {
        let path = app.state_dir().with_file_name(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(path, content).expect("it can be written");
    }
    app
}

async fn read(running: &test_support::Running, path: &str) -> Value {
    ask_fs(running, path).await["read"].clone()
}

async fn ask_fs(running: &test_support::Running, path: &str) -> Value {
    get(running, &format!("/fs?path={path}")).await.json()
}

#[tokio::test]
async fn files_of_a_pattern_are_visible_at_their_own_paths() {
    let app = app_with(
        "files = [\"assets/**/*\", \"notes.txt\"]\nexclude_files = [\"assets/secrets/*\"]",
    );
    let app = start(&app).await;
    for (path, content) in [
        ("/assets/index.html", "the page"),
        ("/assets/img/logo.svg", "the logo"),
        ("/assets/img/.hidden", "the hidden"),
        ("/notes.txt", "the notes"),
        ("notes.txt", "the notes"),
    ] {
        assert_eq!(read(&app, path).await, json!({ "ok": content }), "{path}");
    }
    for path in ["/assets/secrets/key", "/spin.toml", "/assets/none"] {
        assert_eq!(error_of(&read(&app, path).await), "not-found", "{path}");
    }
    assert_eq!(ask_fs(&app, "/notes.txt").await["preopens"], 1);
}

#[tokio::test]
async fn a_file_or_folder_is_visible_at_its_destination() {
    let app = app_with(
        "files = [{ source = \"assets/img\", destination = \"/\" }, \
         { source = \"notes.txt\", destination = \"/docs/readme\" }]",
    );
    let app = start(&app).await;
    for (path, content) in [("/logo.svg", "the logo"), ("/docs/readme", "the notes")] {
        assert_eq!(read(&app, path).await, json!({ "ok": content }), "{path}");
    }
    assert_eq!(
        error_of(&read(&app, "/assets/img/logo.svg").await),
        "not-found"
    );
}

#[tokio::test]
async fn a_component_without_files_has_no_preopened_folder() {
    let app = start(&app_with("exclude_files = [\"assets/*\"]")).await;
    assert_eq!(ask_fs(&app, "/notes.txt").await["preopens"], 0);
}

#[tokio::test]
async fn missing_files_prevent_the_start() {
    for (files, expected) in [
        ("\"none.txt\"", "`none.txt` does not exist"),
        ("\"assets\"", "`assets` is a folder"),
        (
            "{ source = \"none\", destination = \"/\" }",
            "`none` does not exist",
        ),
        (
            "{ source = \"notes.txt\", destination = \"/docs/\" }",
            "`/docs/` is not a file name",
        ),
    ] {
        let ended = app_with(&format!("files = [{files}]"))
            .fail_to_start(&runtime())
            .await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.transcript());
        for expected in [expected, "component `probe`: `files`"] {
            assert!(ended.stderr.contains(expected), "{}", ended.transcript());
        }
    }
}
