//! Standard output as the log: Spin shows it and writes it to `.spin/logs`.

use std::io::{Write, stdout};

use super::Spin;
use crate::platform::Log;

impl Log for Spin {
    /// Writes a line. A failure is ignored: it must not fail the request.
    fn log(&self, line: &str) {
        let _ = writeln!(stdout(), "{line}");
    }
}
