//! What `make bench` runs: each section measures its figure and a reference in the same run,
//! prints a table, and puts it into `benchmarks/RESULTS.md`.
//!
//! Where `spin` is on the PATH, the rows that a runtime serves are measured on
//! it as well.

mod component;
mod fire;
mod load;
mod machine;
mod polyglot;
mod runtime;
mod runtimes;
mod signature;
mod table;

use table::Report;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut report = Report::new(machine::describe());
    report.add(signature::measure()?);
    report.add(component::measure()?);
    report.add(runtime::measure().await?);
    report.add(polyglot::measure().await?);
    report.add(fire::measure().await?);
    report.write()
}
