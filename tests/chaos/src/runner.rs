//! Running cells, a few at a time.

use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::cell::{Bench, Cell};
use crate::column::Column;
use crate::report::line;
use crate::verdict::Outcome;

/// Cells to run.
pub struct Run {
    pub bench: Bench,
    /// The number of cells that run at a time.
    pub jobs: usize,
}

/// Runs `cells`, printing each as it ends, and returns their outcomes in the order of the cells.
pub async fn run(run: &Run, cells: &[Cell]) -> Vec<Outcome> {
    let running = stream::iter(cells.iter().enumerate().map(|(index, cell)| async move {
        let outcome = cell.run(&run.bench).await;
        print!("{}", line(&outcome));
        (index, outcome)
    }));
    let mut outcomes: Vec<_> = running.buffer_unordered(run.jobs.max(1)).collect().await;
    outcomes.sort_by_key(|(index, _)| *index);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

impl Run {
    /// Runs random cells of these columns for `duration`.
    pub async fn random(&self, columns: &[Column], duration: Duration, seed: u64) -> Vec<Outcome> {
        let end = Instant::now() + duration;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut outcomes = Vec::new();
        while Instant::now() < end {
            let cells: Vec<_> = (0..self.jobs)
                .map(|_| {
                    let column = columns[rng.random_range(0..columns.len())];
                    Cell::random(column, rng.random())
                })
                .collect();
            outcomes.extend(run(self, &cells).await);
        }
        outcomes
    }
}
