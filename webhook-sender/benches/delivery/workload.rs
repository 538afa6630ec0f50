//! The events: numbered, with 1 KiB of JSON each.

use bytes::Bytes;

/// The size of an event's data in bytes.
const DATA_BYTES: usize = 1024;

/// Returns the id of event `number`.
pub fn id(number: usize) -> String {
    format!("evt_{number}")
}

/// Returns the data of event `number`.
pub fn data(number: usize) -> Bytes {
    let start = format!(r#"{{"number": {number}, "status": "shipped", "padding": ""#);
    let padding = DATA_BYTES - start.len() - 2;
    format!("{start}{}\"}}", "x".repeat(padding)).into()
}

/// Returns the value at `part` (0 to 1) of the sorted `values`.
pub fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let at = (last as f64 * part).round() as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

/// Returns the median of each column over all rounds.
pub fn medians(rounds: &[Vec<f64>]) -> Vec<f64> {
    let columns = 0..rounds.first().map_or(0, Vec::len);
    let column = |at: usize| {
        rounds
            .iter()
            .filter_map(move |round| round.get(at).copied())
    };
    columns
        .map(|at| quantile(&mut column(at).collect::<Vec<_>>(), 0.5))
        .collect()
}
