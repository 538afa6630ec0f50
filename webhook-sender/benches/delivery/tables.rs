//! Tables: printed while they are measured, and written to `benchmarks/SENDER.md`.

use std::path::Path;

use anyhow::Result;

/// One table.
pub struct Table {
    pub heading: &'static str,
    pub note: &'static str,
    /// The head is the first row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    fn markdown(&self) -> String {
        let mut text = format!("\n## {}\n\n{}\n\n", self.heading, self.note);
        for (at, row) in self.rows.iter().enumerate() {
            text += &format!("| {} |\n", row.join(" | "));
            if at == 0 {
                text += &format!("|{}\n", " --- |".repeat(row.len()));
            }
        }
        text
    }
}

/// The tables of a run.
pub struct Tables(String);

impl Tables {
    pub fn new() -> Self {
        let text = format!(
            "# The sender's results in the last `make bench`\n\nMachine: {}.\n",
            machine()
        );
        print!("{text}");
        Self(text)
    }

    pub fn add(&mut self, table: Table) {
        let markdown = table.markdown();
        print!("{markdown}");
        self.0 += &markdown;
    }

    pub fn write(&self) -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benchmarks/SENDER.md");
        Ok(std::fs::write(path, &self.0)?)
    }
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    format!("{cores} cores, {model}, {}", std::env::consts::OS)
}
