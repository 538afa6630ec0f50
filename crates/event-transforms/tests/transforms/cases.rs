//! Filters and transforms as a folder of cases: `cases/*.case`.
//!
//! A case has the sections `== filter` or `== transform`, `== event` where it needs another one
//! than `cases/event.json`, and `== expected`: what came of it. `BLESS=1` writes the last anew.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use event_transforms::expression::{Program, Vars};
use webhook_model::{Event, EventId, Millis, TenantId};

/// The most bytes of an output.
const MAX: usize = 10_000;

#[test]
fn every_expression_does_as_its_case_says() {
    let bless = std::env::var_os("BLESS").is_some();
    let paths = case_files();
    assert!(paths.len() >= 60, "{} cases", paths.len());
    let mut wrong = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let (inputs, expected) = text
            .split_once("== expected\n")
            .expect("a case has a result");
        let found = outcome(&path, inputs);
        if bless {
            fs::write(&path, format!("{inputs}== expected\n{found}\n")).unwrap();
        } else if found != expected.trim_end() {
            wrong.push(format!(
                "{}: expected\n{expected}found\n{found}",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn case_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transforms/cases");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "case"))
        .collect();
    cases.sort();
    cases
}

fn outcome(path: &Path, inputs: &str) -> String {
    let default = fs::read_to_string(path.with_file_name("event.json")).unwrap();
    let event = event(section(inputs, "event").unwrap_or(&default));
    let tenant = TenantId::parse("acme").unwrap();
    let vars = Vars::new(&tenant, &event);
    let filter = section(inputs, "filter");
    let source = filter
        .or_else(|| section(inputs, "transform"))
        .expect("a case has an expression");
    let program = match Program::compile(source.trim_end()) {
        Ok(program) => program,
        Err(error) => return format!("refused: {error}"),
    };
    let ended = match filter {
        Some(_) => program.verdict(&vars).map(|verdict| verdict.to_string()),
        None => program
            .body(&vars, MAX)
            .map(|body| String::from_utf8(body).unwrap()),
    };
    ended.unwrap_or_else(|error| format!("failed: {error}"))
}

/// The text between a section's headline and the next.
fn section<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("== {name}\n"))?;
    Some(rest.split("\n== ").next().unwrap_or(rest))
}

/// An event as a case spells it.
#[derive(serde::Deserialize)]
struct Given<'a> {
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
    timestamp: Option<u64>,
    ordering_key: Option<String>,
}

fn event(json: &str) -> Event {
    let given: Given = serde_json::from_str(json).expect("an event is JSON");
    Event {
        id: EventId::parse("evt_42").unwrap(),
        kind: "order.shipped".into(),
        data: Bytes::from(given.data.get().to_owned()),
        at: Millis(given.timestamp.unwrap_or(1_700_000_000_123)),
        ordering_key: given.ordering_key,
    }
}
