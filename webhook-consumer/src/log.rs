//! The log lines of one request.

/// Gathers the lines of one request, so that they are written in one go: they stay together in the
/// log of an app that answers many at once, and writing is one call to the platform instead of one
/// a line.
#[derive(Debug, Default)]
pub struct Log {
    text: String,
}

impl Log {
    /// Adds a line. The text must have no line break of its own.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str("CONSUMER: ");
        self.text.push_str(text.as_ref());
        self.text.push('\n');
    }

    /// Adds the line that sets a verification's result apart.
    pub fn rule(&mut self) {
        self.text.push_str("-------------------\n");
    }

    /// Every line so far, each ended by a line feed.
    pub fn text(&self) -> &str {
        &self.text
    }
}
