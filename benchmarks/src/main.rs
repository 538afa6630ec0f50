//! The benchmarks of `make bench`. Each section measures a figure and its reference in the same run,
//! and prints a table, which goes to `benchmarks/RESULTS.md`.
//!
//! If `spin` is on the PATH, it is measured beside `spin-local`.
//!
//! `target/release/benchmarks SECTION...` measures only these sections and writes no file.

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
    let requested: Vec<String> = std::env::args().skip(1).collect();
    let mut report = Report::new(machine::describe());
    for section in &requested {
        report.add(measure(section).await?);
    }
    if requested.is_empty() {
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
            "unknown section `{other}`; known are {}",
            SECTIONS.join(", ")
        ),
    }
}
