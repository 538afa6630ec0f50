//! Runs the matrix, a part of it, or random cells: `chaos --help`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use chaos::{Bench, Cell, Column, Outcome, Run, all, run, subset, table, write_page};
use clap::Parser;

/// Injects faults into a running sender, and reconciles every event
#[derive(Parser)]
struct Arguments {
    /// The binary of the sender [default: the one beside this program]
    #[arg(long)]
    sender: Option<PathBuf>,
    /// Run only cells whose name has this prefix, such as `redis/full`, `sqlite` or `redis+stream/`; with
    /// --seconds, only columns with this prefix
    #[arg(long, env = "ONLY")]
    only: Option<String>,
    /// Run only the cells of the test suite
    #[arg(long)]
    subset: bool,
    /// Run random faults for this number of seconds, instead of the matrix
    #[arg(long, env = "CHAOS_SECONDS")]
    seconds: Option<u64>,
    /// The seed of the random numbers [default: a random one]
    #[arg(long, env = "CHAOS_SEED")]
    seed: Option<u64>,
    /// The number of cells that run at a time
    #[arg(long, env = "CHAOS_JOBS", default_value_t = 3)]
    jobs: usize,
    /// The page to update with the results of a complete run
    #[arg(long)]
    page: Option<PathBuf>,
    /// List the cells
    #[arg(long)]
    list: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let cells = cells(&arguments, seed)?;
    if arguments.list {
        let names: Vec<_> = cells.iter().map(|cell| format!("{cell}\n")).collect();
        std::io::stdout().write_all(names.concat().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("CHAOS_SEED={seed}");
    let bench = Bench {
        program: sender(&arguments)?,
        folder: std::env::temp_dir().join("webhook-sender-chaos"),
    };
    let setting = Run {
        bench,
        jobs: arguments.jobs,
    };
    let outcomes = match arguments.seconds {
        Some(seconds) => {
            let columns = columns(arguments.only.as_deref().unwrap_or_default())?;
            let duration = Duration::from_secs(seconds);
            setting.random(&columns, duration, seed).await
        }
        None => run(&setting, &cells).await,
    };
    report(&arguments, seed, &outcomes)
}

fn cells(arguments: &Arguments, seed: u64) -> Result<Vec<Cell>> {
    let mut cells = if arguments.subset {
        subset(seed)
    } else {
        all(seed)
    };
    if let Some(prefix) = &arguments.only {
        cells.retain(|cell| cell.name.starts_with(prefix));
        ensure!(
            !cells.is_empty(),
            "no cell starts with `{prefix}`; --list lists them"
        );
    }
    Ok(cells)
}

fn columns(prefix: &str) -> Result<Vec<Column>> {
    let mut columns = Column::ALL.to_vec();
    columns.retain(|column| format!("{column}/").starts_with(prefix));
    ensure!(
        !columns.is_empty(),
        "no column starts with `{prefix}`; random faults are selected by their column only"
    );
    Ok(columns)
}

fn sender(arguments: &Arguments) -> Result<PathBuf> {
    let beside = || Ok(std::env::current_exe()?.with_file_name("webhook-sender"));
    let program = arguments
        .sender
        .clone()
        .map_or_else(beside, Ok::<_, anyhow::Error>)?;
    ensure!(
        program.is_file(),
        "`{}` does not exist: build it, or set --sender",
        program.display()
    );
    Ok(std::path::absolute(program)?)
}

fn report(arguments: &Arguments, seed: u64, outcomes: &[Outcome]) -> Result<ExitCode> {
    let whole = arguments.only.is_none() && arguments.seconds.is_none() && !arguments.subset;
    if whole {
        println!("\n{}", table(outcomes));
    }
    if whole && let Some(page) = &arguments.page {
        write_page(page, outcomes)?;
    }
    let failed = outcomes
        .iter()
        .filter(|outcome| !outcome.failures.is_empty())
        .count();
    let absent = outcomes
        .iter()
        .filter(|outcome| outcome.missing.is_some())
        .count();
    println!(
        "{} cells, {failed} failed, {absent} not run",
        outcomes.len()
    );
    if failed > 0 {
        println!("CHAOS_SEED={seed} repeats them");
    }
    let everything = std::env::var_os("CI").is_some_and(|ci| ci == "true");
    let bad = failed > 0 || (everything && absent > 0);
    Ok(if bad {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
