//! The log is standard output: Spin shows it and writes it to `.spin/logs`.

use std::io::{Write, stdout};

use super::Spin;
use crate::outside::Log;

impl Log for Spin {
    /// A line that cannot be written is lost: it must not take the request down with it.
    fn log(&self, line: &str) {
        let _ = writeln!(stdout(), "{line}");
    }
}
