//! Compares this build with another one, alternating in one run, so that the noise of the machine
//! affects both.

use std::path::Path;

use anyhow::Result;

use crate::backlog::{self, Run};
use crate::receiver::Receiver;
use crate::sender::Store;
use crate::tables::Table;

/// The number of backlogs for each build and store.
const ROUNDS: usize = 7;

pub async fn measure(receiver: &Receiver, other: &Path) -> Result<Table> {
    let own = Path::new(env!("CARGO_BIN_EXE_webhook-sender"));
    let mut rows = vec![
        ["", "other", "this", "ratio", "ratios of the rounds"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for store in Store::ALL {
        let mut pairs = Vec::new();
        for round in 0..ROUNDS {
            // The order alternates, because the second build finds a warmer machine.
            let pair = if round % 2 == 0 {
                let before = backlog::by_program(receiver, store, other).await?;
                (before, backlog::by_program(receiver, store, own).await?)
            } else {
                let now = backlog::by_program(receiver, store, own).await?;
                (backlog::by_program(receiver, store, other).await?, now)
            };
            pairs.push(pair);
        }
        let name = store.name();
        rows.push(row(
            &format!("{name}, deliveries a second"),
            &pairs,
            0,
            |run| run.rate,
        ));
        rows.push(row(
            &format!("{name}, CPU seconds per 1,000"),
            &pairs,
            3,
            |run| run.cpu,
        ));
    }
    Ok(Table {
        heading: "Against another build",
        note: "A backlog of 20,000 deliveries to one endpoint, by turns. The medians of the rounds; a \
               ratio is this build's to the other's in one round.",
        rows,
    })
}

fn row(name: &str, pairs: &[(Run, Run)], digits: usize, value: fn(&Run) -> f64) -> Vec<String> {
    let values = |pick: fn(&(Run, Run)) -> &Run| pairs.iter().map(move |pair| value(pick(pair)));
    let (other, own) = (
        median(values(|pair| &pair.0)),
        median(values(|pair| &pair.1)),
    );
    let mut ratios: Vec<f64> = pairs
        .iter()
        .map(|pair| value(&pair.1) / value(&pair.0))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let all: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    vec![
        name.to_owned(),
        format!("{other:.digits$}"),
        format!("{own:.digits$}"),
        format!("{:.2}", median(ratios.iter().copied())),
        all.join(" "),
    ]
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
