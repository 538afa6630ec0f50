//! Tables, which are printed and written to `benchmarks/RESULTS.md`.

use std::fmt::Write as _;
use std::path::Path;

/// A table with a heading, a note on the measurement, and rows.
pub struct Table {
    heading: &'static str,
    note: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(heading: &'static str, note: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            heading,
            note: note.into(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", self.heading, self.note);
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        text += &line(&self.columns);
        text += &line(&vec!["---".to_owned(); self.columns.len()]);
        for row in &self.rows {
            text += &line(row);
        }
        text
    }
}

pub fn micros(seconds: f64) -> String {
    format!("{:.2} µs", seconds * 1e6)
}

/// Returns the text for a limit: `met`, `missed`, or `none` if there is no limit.
pub fn verdict(is_met: Option<bool>) -> String {
    let text = match is_met {
        Some(true) => "met",
        Some(false) => "missed",
        None => "none",
    };
    text.to_owned()
}

/// The tables of a run.
pub struct Report {
    text: String,
}

impl Report {
    pub fn new(machine: String) -> Self {
        let mut text = String::from("# Results of the last `make bench`\n\n");
        let _ = writeln!(text, "Machine: {machine}.");
        println!("{text}");
        Self { text }
    }

    pub fn add(&mut self, table: Table) {
        let markdown = table.markdown();
        println!("{markdown}");
        self.text += "\n";
        self.text += &markdown;
    }

    pub fn write(&self) -> anyhow::Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RESULTS.md");
        Ok(std::fs::write(path, &self.text)?)
    }
}
