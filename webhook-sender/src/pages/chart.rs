//! Charts as SVG, made from numbers only. Each has its numbers as text as well.
//!
//! A chart fills the width of its place: its bars and lines are stretched, and its labels are text
//! around it, so that they stay readable at any width.

use std::fmt::{self, Write};

use askama::filters::HtmlSafe;

use super::moment::{Moment, duration};

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 120.0;

/// An hour, or another interval, of an endpoint or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Interval {
    pub at: Moment,
    pub succeeded: u64,
    pub failed: u64,
    pub p50_ms: Option<u64>,
    pub p95_ms: Option<u64>,
}

impl Interval {
    pub fn p50(&self) -> String {
        self.p50_ms.map_or("–".into(), duration)
    }

    pub fn p95(&self) -> String {
        self.p95_ms.map_or("–".into(), duration)
    }
}

/// The attempts of each interval as stacked bars: those that succeeded, and those that failed on top.
pub struct Bars<'a>(pub &'a [Interval]);

/// The latencies of each interval as two lines: p50 and p95. An interval without attempts is a gap.
pub struct Lines<'a>(pub &'a [Interval]);

/// The results of single attempts, the oldest first.
pub struct Strip<'a>(pub &'a [Mark]);

/// The result of one attempt of a [`Strip`].
#[derive(Clone, Debug)]
pub struct Mark {
    pub succeeded: bool,
    /// The result in words. Made by the pages, not by a receiver.
    pub result: String,
    pub at: Moment,
}

impl HtmlSafe for Bars<'_> {}
impl HtmlSafe for Lines<'_> {}
impl HtmlSafe for Strip<'_> {}

fn open(f: &mut fmt::Formatter<'_>, class: &str, label: &str) -> fmt::Result {
    write!(
        f,
        "<svg class=\"chart {class}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{label}\">"
    )
}

/// Returns a length as a share of the height.
fn scaled(value: u64, highest: u64) -> f64 {
    if highest == 0 {
        return 0.0;
    }
    // Counts above 2^52 are drawn inexactly, which nobody sees.
    value as f64 / highest as f64 * (HEIGHT - 2.0)
}

impl Bars<'_> {
    /// Returns the highest bar.
    pub fn highest(&self) -> u64 {
        let sums = self.0.iter().map(|it| it.succeeded + it.failed);
        sums.max().unwrap_or_default()
    }

    /// Returns the chart in one sentence.
    pub fn summary(&self) -> String {
        let succeeded: u64 = self.0.iter().map(|it| it.succeeded).sum();
        let failed: u64 = self.0.iter().map(|it| it.failed).sum();
        format!("Attempts by hour: {succeeded} succeeded and {failed} failed in total")
    }
}

impl fmt::Display for Bars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        open(f, "bars", &self.summary())?;
        let step = WIDTH / self.0.len().max(1) as f64;
        let highest = self.highest();
        for (index, it) in self.0.iter().enumerate() {
            let x = step * index as f64 + step * 0.1;
            let width = step * 0.8;
            let (good, bad) = (scaled(it.succeeded, highest), scaled(it.failed, highest));
            let exact = it.at.exact();
            let (succeeded, failed) = (it.succeeded, it.failed);
            write!(
                f,
                "<g><title>{exact}: {succeeded} succeeded, {failed} failed</title>"
            )?;
            bar(f, "good", (x, HEIGHT - good), (width, good))?;
            bar(f, "bad", (x, HEIGHT - good - bad), (width, bad))?;
            f.write_str("</g>")?;
        }
        f.write_str("</svg>")
    }
}

fn bar(
    f: &mut fmt::Formatter<'_>,
    class: &str,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
) -> fmt::Result {
    if height <= 0.0 {
        return Ok(());
    }
    write!(
        f,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
    )
}

impl Lines<'_> {
    /// Returns the highest value in milliseconds.
    fn highest(&self) -> u64 {
        let all = self.0.iter().filter_map(|it| it.p95_ms.max(it.p50_ms));
        all.max().unwrap_or_default()
    }

    /// Returns the highest value as a figure.
    pub fn top(&self) -> String {
        duration(self.highest())
    }

    /// Returns the chart in one sentence.
    pub fn summary(&self) -> String {
        format!("Latency by hour: p50 and p95, at most {}", self.top())
    }

    fn line(
        &self,
        f: &mut fmt::Formatter<'_>,
        class: &str,
        value: impl Fn(&Interval) -> Option<u64>,
    ) -> fmt::Result {
        let step = WIDTH / self.0.len().max(1) as f64;
        let highest = self.highest();
        let mut path = String::new();
        let mut is_drawing = false;
        for (index, it) in self.0.iter().enumerate() {
            let Some(value) = value(it) else {
                is_drawing = false;
                continue;
            };
            let (left, y) = (step * index as f64, HEIGHT - scaled(value, highest) - 1.0);
            let verb = if is_drawing { 'L' } else { 'M' };
            // A level line over the whole interval, so that a single interval is visible.
            write!(path, "{verb}{left:.1} {y:.1}H{:.1}", left + step)?;
            is_drawing = true;
        }
        write!(
            f,
            "<path class=\"{class}\" d=\"{path}\" fill=\"none\" vector-effect=\"non-scaling-stroke\"/>"
        )
    }
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        open(f, "lines", &self.summary())?;
        self.line(f, "p95", |it| it.p95_ms)?;
        self.line(f, "p50", |it| it.p50_ms)?;
        f.write_str("</svg>")
    }
}

impl Strip<'_> {
    /// Returns the strip in one sentence.
    pub fn summary(&self) -> String {
        let all = self.0.len();
        let failed = self.0.iter().filter(|mark| !mark.succeeded).count();
        let succeeded = all - failed;
        format!("The latest {all}, the oldest first: {succeeded} succeeded, {failed} failed")
    }
}

impl fmt::Display for Strip<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.summary();
        // Wide enough for fifty, so that few attempts are as narrow as many.
        let width = self.0.len().max(50) * 10;
        write!(
            f,
            "<svg class=\"chart strip\" viewBox=\"0 0 {width} 20\" preserveAspectRatio=\"none\" \
             role=\"img\" aria-label=\"{label}\">"
        )?;
        for (index, mark) in self.0.iter().enumerate() {
            let (class, y, height) = match mark.succeeded {
                true => ("good", 6, 14),
                // Higher as well, so that colour is not the only difference.
                false => ("bad", 0, 20),
            };
            let (x, at, result) = (index * 10 + 1, mark.at.exact(), &mark.result);
            write!(
                f,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"8\" height=\"{height}\">\
                 <title>{at}: {result}</title></rect>"
            )?;
        }
        f.write_str("</svg>")
    }
}

#[cfg(test)]
mod tests {
    use webhook_model::Millis;

    use super::*;

    fn interval(hour: u64, succeeded: u64, failed: u64, p95_ms: Option<u64>) -> Interval {
        Interval {
            at: Moment(Millis(hour * 3_600_000)),
            succeeded,
            failed,
            p50_ms: p95_ms.map(|it| it / 2),
            p95_ms,
        }
    }

    #[test]
    fn bars_are_as_high_as_their_counts_and_say_them() {
        let hours = [interval(0, 3, 1, None), interval(1, 2, 0, None)];
        let chart = Bars(&hours).to_string();
        assert!(chart.contains("5 succeeded and 1 failed in total"));
        assert!(chart.contains("1970-01-01 00:00:00 UTC: 3 succeeded, 1 failed"));
        assert!(chart.contains("height=\"88.5\"") && chart.contains("height=\"29.5\""));
        assert_eq!(chart.matches("class=\"bad\"").count(), 1);
    }

    #[test]
    fn an_hour_without_attempts_is_a_gap_in_the_lines() {
        let hours = [
            interval(0, 1, 0, Some(100)),
            interval(1, 0, 0, None),
            interval(2, 1, 0, Some(50)),
        ];
        let chart = Lines(&hours).to_string();
        assert!(chart.contains("at most 100 ms"));
        let paths = chart.split(" d=\"").skip(1);
        let drawn: String = paths.filter_map(|it| it.split('"').next()).collect();
        assert_eq!(drawn.matches('M').count(), 4);
        assert!(!drawn.contains('L'));
    }

    #[test]
    fn nothing_is_a_chart_too() {
        for chart in [Bars(&[]).to_string(), Lines(&[]).to_string()] {
            assert!(
                chart.ends_with("</svg>") && !chart.contains("NaN"),
                "{chart}"
            );
        }
        assert!(Strip(&[]).to_string().contains("0 succeeded, 0 failed"));
    }
}
