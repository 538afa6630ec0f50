//! What `make bench` runs: each section measures its figure and a reference in the same run,
//! prints a table, and puts it into `benchmarks/RESULTS.md`.
//!
//! Where `spin` is on the PATH, the rows that a runtime serves are measured on
//! it as well.
//!
//! `target/release/benchmarks SECTION...` measures these sections alone and writes no file.

mod bodies;
mod component;
mod fire;
mod host;
mod load;
mod machine;
mod polyglot;
mod runtime;
mod runtimes;
mod schemes;
mod signature;
mod size;
mod table;

use table::{Report, Table};

const SECTIONS: [&str; 7] = [
    "signature",
    "component",
    "bodies",
    "size",
    "runtime",
    "polyglot",
    "fire",
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let mut report = Report::new(machine::describe());
    for section in &asked {
        report.add(measure(section).await?);
    }
    if asked.is_empty() {
        for section in SECTIONS {
            report.add(measure(section).await?);
        }
        report.write()?;
    }
    Ok(())
}

async fn measure(section: &str) -> anyhow::Result<Table> {
    match section {
        "signature" => signature::measure(),
        "component" => component::measure(),
        "bodies" => bodies::measure(),
        "size" => size::measure(),
        "runtime" => runtime::measure().await,
        "polyglot" => polyglot::measure().await,
        "fire" => fire::measure().await,
        other => anyhow::bail!(
            "there is no section `{other}`, but: {}",
            SECTIONS.join(", ")
        ),
    }
}
