//! Parsers of values.

use std::ops::RangeInclusive;
use std::time::Duration;

use config_diagnostics::{Node, Value};
use webhook_model::{Retry, durations};

type Read<T> = Result<T, String>;

pub fn text(node: Node) -> Read<String> {
    match node.value {
        Value::Text(text) if text.is_empty() => Err("empty".into()),
        Value::Text(text) => Ok(text),
        other => Err(other.must_be("a string")),
    }
}

/// Parses a text with [`std::str::FromStr`].
pub fn parsed<T: std::str::FromStr>(what: &str) -> impl Fn(Node) -> Read<T> {
    move |node| {
        let text = text(node)?;
        text.parse().map_err(|_| format!("`{text}` is not {what}"))
    }
}

pub fn flag(node: Node) -> Read<bool> {
    node.boolean()
}

/// Parses an integer within bounds.
pub fn number<T: TryFrom<i64>>(bounds: RangeInclusive<i64>) -> impl Fn(Node) -> Read<T> {
    move |node| {
        let number = node.integer()?;
        let within = bounds.contains(&number).then(|| T::try_from(number));
        within.and_then(Result::ok).ok_or_else(|| {
            let (least, most) = (bounds.start(), bounds.end());
            format!("`{number}` is not between {least} and {most}")
        })
    }
}

/// Parses a number from 0 to 1.
pub fn share(node: Node) -> Read<f64> {
    let share = match node.value {
        Value::Float(share) => share,
        Value::Int(share) => share as f64,
        other => return Err(other.must_be("a number")),
    };
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(format!("`{share}` is not between 0 and 1"))
    }
}

/// Parses a duration such as `5m`.
pub fn duration(node: Node) -> Read<Duration> {
    durations::parse(&text(node)?)
}

/// Parses a duration within bounds.
pub fn duration_within(bounds: RangeInclusive<Duration>) -> impl Fn(Node) -> Read<Duration> {
    move |node| {
        let found = duration(node)?;
        let shown = |duration: Duration| humantime::format_duration(duration).to_string();
        match bounds.contains(&found) {
            true => Ok(found),
            false => Err(format!(
                "`{}` is not between {} and {}",
                shown(found),
                shown(*bounds.start()),
                shown(*bounds.end())
            )),
        }
    }
}

/// Parses a number of bytes, or a text with the unit `KiB` or `MiB`.
pub fn bytes(bounds: RangeInclusive<i64>) -> impl Fn(Node) -> Read<usize> {
    move |node| {
        let Value::Text(text) = &node.value else {
            return number(bounds.clone())(node);
        };
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("B", 1)];
        let with_unit = |(unit, size): (&str, i64)| {
            let count: i64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
            count.checked_mul(size)
        };
        let Some(count) = units.into_iter().find_map(with_unit) else {
            return Err(format!("`{text}` is not a size such as `64KiB` or `1MiB`"));
        };
        number(bounds.clone())(Node {
            line: node.line,
            value: Value::Int(count),
        })
    }
}

/// Parses the waits of a retry schedule.
pub fn schedule(node: Node) -> Read<Vec<Duration>> {
    let Value::List(waits) = node.value else {
        return Err(node.value.must_be("a list of durations"));
    };
    waits.into_iter().map(duration).collect()
}

/// Checks a retry schedule.
pub fn retry(schedule: Vec<Duration>, jitter: Option<f64>) -> Read<Retry> {
    let retry = Retry {
        schedule,
        jitter: jitter.unwrap_or(Retry::default().jitter),
    };
    retry
        .check()
        .map(|()| retry)
        .map_err(|error| error.to_string())
}
