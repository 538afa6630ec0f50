//! The filters and transforms in `cases`, with the outcome of each.
//!
//! A case has a section `== filter` or `== transform`, and a section `== event` if it needs another
//! event than `cases/event.json`.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use event_transforms::expression::{Program, Vars};
use test_support::cases;
use webhook_model::{Event, EventId, Millis, Source, TenantId};

/// The size limit of an output in bytes.
const MAX: usize = 10_000;

#[test]
fn every_expression_has_the_expected_outcome() {
    cases::check("tests/transforms/cases", "case", 60, |path| {
        let inputs = fs::read_to_string(path).unwrap();
        outcome(path, &inputs)
    });
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
        Some(_) => program.accepts(&vars).map(|accepts| accepts.to_string()),
        None => program
            .body(&vars, MAX)
            .map(|body| String::from_utf8(body).unwrap()),
    };
    ended.unwrap_or_else(|error| format!("failed: {error}"))
}

/// Returns the text of a section.
fn section<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("== {name}\n"))?;
    Some(rest.split("\n== ").next().unwrap_or(rest))
}

/// An event in a case.
#[derive(serde::Deserialize)]
struct CaseEvent<'a> {
    #[serde(borrow)]
    data: &'a serde_json::value::RawValue,
    timestamp: Option<u64>,
    ordering_key: Option<String>,
}

fn event(json: &str) -> Event {
    let case: CaseEvent = serde_json::from_str(json).expect("an event is JSON");
    Event {
        id: EventId::parse("evt_42").unwrap(),
        kind: "order.shipped".into(),
        data: Bytes::from(case.data.get().to_owned()),
        at: Millis(case.timestamp.unwrap_or(1_700_000_000_123)),
        ordering_key: case.ordering_key,
        source: Source::API,
    }
}
