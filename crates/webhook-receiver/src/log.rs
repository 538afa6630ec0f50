//! The log lines of one request.

/// Gathers the lines of one request, so that they are written in one go: they stay together in the
/// log of an app that answers many at once, and writing is one call to the platform instead of one
/// a line.
#[derive(Debug)]
pub struct Log {
    name: &'static str,
    text: String,
}

impl Log {
    /// An empty log whose lines begin with `name`, as `CONSUMER`.
    pub fn of(name: &'static str) -> Self {
        let text = String::new();
        Self { name, text }
    }

    /// Adds a line. A line break in the text is written as `\n`, so that it stays one line.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.text.push_str(self.name);
        self.text.push_str(": ");
        self.text.push_str(&text.as_ref().replace('\n', "\\n"));
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
