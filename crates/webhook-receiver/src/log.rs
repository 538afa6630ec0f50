//! The log lines of one request.

/// A buffer for the log lines of one request, which are written together: they stay adjacent in the
/// log of an app with concurrent requests, and writing takes one platform call instead of one per
/// line.
#[derive(Debug)]
pub struct Log {
    name: &'static str,
    text: String,
}

impl Log {
    /// Creates an empty log whose lines begin with `name`, such as `CONSUMER`.
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

    /// Adds the rule around the result of a verification.
    pub fn rule(&mut self) {
        self.text.push_str("-------------------\n");
    }

    /// Returns all lines so far, each with a line feed.
    pub fn text(&self) -> &str {
        &self.text
    }
}
