//! The results: on the terminal, and in `docs/RELIABILITY.md`.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::column::Column;
use crate::fault::{Fault, Profile};
use crate::verdict::Outcome;

const BEGIN: &str = "<!-- results: written by `make chaos` -->";
const END: &str = "<!-- end of results -->";

/// Returns a line for the cell, and one for each broken promise.
pub fn line(outcome: &Outcome) -> String {
    let mut text = format!(
        "{:<6} {:<34} {:>5.1} s  {:>5} accepted  {:>2} duplicates  {}",
        verdict(outcome),
        outcome.cell,
        outcome.took.as_secs_f64(),
        outcome.counts.accepted,
        outcome.duplicates,
        recovery(outcome),
    );
    text.push('\n');
    for failure in &outcome.failures {
        let _ = writeln!(text, "       {}", failure.replace('\n', "\n         "));
    }
    if let Some(missing) = &outcome.missing {
        let _ = writeln!(text, "       it needs {missing}");
    }
    text
}

fn verdict(outcome: &Outcome) -> &'static str {
    match (&outcome.missing, outcome.failures.is_empty()) {
        (Some(_), _) => "absent",
        (None, true) => "ok",
        (None, false) => "FAILED",
    }
}

fn recovery(outcome: &Outcome) -> String {
    match outcome.recovered {
        Some(recovered) => format!("recovered in {:.1} s", recovered.as_secs_f64()),
        None => "not recovered".to_owned(),
    }
}

/// Returns the matrix with its results in Markdown.
pub fn table(outcomes: &[Outcome]) -> String {
    let columns = Column::ALL.map(Column::name).join(" | ");
    let rule = "|---".repeat(Column::ALL.len() + 1);
    let mut text = format!("| fault | {columns} |\n{rule}|\n");
    for fault in Fault::all() {
        let profile = fault.profile();
        let cells = Column::ALL.map(|column| entry(profile, column, outcomes));
        let _ = writeln!(
            text,
            "| `{}`: {} | {} |",
            profile.name,
            profile.text,
            cells.join(" | ")
        );
    }
    text
}

fn entry(profile: &Profile, column: Column, outcomes: &[Outcome]) -> String {
    if !profile.columns.contains(&column) {
        return "–".into();
    }
    let cell = format!("{column}/{}", profile.name);
    let Some(outcome) = outcomes.iter().find(|outcome| outcome.cell == cell) else {
        return "not run".into();
    };
    match (
        &outcome.missing,
        outcome.failures.is_empty(),
        outcome.recovered,
    ) {
        (Some(_), ..) => "not run".into(),
        (None, false, _) => "**failed**".into(),
        (None, true, Some(recovered)) => format!("{:.1} s", recovered.as_secs_f64()),
        (None, true, None) => "ok".into(),
    }
}

/// Returns the additional promises of the rows in Markdown.
pub fn promises() -> String {
    let mut text = String::from("| fault | promise |\n|---|---|\n");
    for fault in Fault::all() {
        let profile = fault.profile();
        let _ = writeln!(text, "| `{}` | {} |", profile.name, profile.promise);
    }
    text
}

/// Writes results between the markers of the page at `path`.
pub fn write_page(path: &Path, outcomes: &[Outcome]) -> Result<()> {
    let page =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = page.split_once(BEGIN).context("the page has no results")?;
    let (_, after) = rest.split_once(END).context("the results have no end")?;
    let passed = outcomes.iter().filter(|outcome| outcome.passed()).count();
    let accepted: usize = outcomes.iter().map(|outcome| outcome.counts.accepted).sum();
    let summary = format!(
        "{passed} of {} cells passed, with {accepted} accepted events. Times are from the fault's \
         end until everything works again.",
        outcomes.len()
    );
    let results = format!(
        "{BEGIN}\n{summary}\n\n{}\n{}{END}",
        table(outcomes),
        promises()
    );
    std::fs::write(path, format!("{before}{results}{after}"))?;
    Ok(())
}
