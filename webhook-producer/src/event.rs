//! Event names, and patterns that match them.
//!
//! A registration has a pattern, a firing a name:
//!
//! ```
//! use webhook_producer::event::{Event, Pattern};
//!
//! let pattern = Pattern::parse("order.*").unwrap();
//! assert!(pattern.matches(&Event::parse("order.shipped.abroad").unwrap()));
//! assert!(!pattern.matches(&Event::parse("order").unwrap()));
//! ```

use crate::problems::quote;

/// The maximum length of a name or pattern in bytes.
const MAX_BYTES: usize = 255;

/// The reason why a text is not an event name or pattern.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("the event is empty")]
    Empty,
    #[error("the event is longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("the event contains a control character")]
    ControlCharacter,
    #[error("{0} has a misplaced `*`; patterns are `prefix.*` and `*`")]
    MisplacedStar(String),
    #[error("{0} is a pattern; a firing needs the name of one event")]
    StarInName(String),
}

/// The name of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(String);

impl Event {
    /// Parses a name: 1 to 255 bytes of UTF-8 without control characters and without `*`.
    pub fn parse(text: &str) -> Result<Self, EventError> {
        check_text(text)?;
        if text.contains('*') {
            return Err(EventError::StarInName(quote(text)));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A pattern that selects events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Only this event, case-sensitive.
    Exact(String),
    /// Every event whose name starts with this text, which ends in a dot, and continues after it.
    Prefix(String),
    /// Every event.
    All,
}

impl Pattern {
    /// The pattern of every event.
    pub const EVERY: &str = "*";

    /// Parses a pattern: an event's name, `prefix.*` or `*`.
    pub fn parse(text: &str) -> Result<Self, EventError> {
        check_text(text)?;
        if text == Self::EVERY {
            return Ok(Self::All);
        }
        let (pattern, literal) = match text.strip_suffix('*') {
            Some(prefix) => (Self::Prefix(prefix.to_owned()), prefix),
            None => (Self::Exact(text.to_owned()), text),
        };
        let bare_prefix = matches!(&pattern, Self::Prefix(prefix) if !ends_in_dot(prefix));
        if bare_prefix || literal.contains('*') {
            return Err(EventError::MisplacedStar(quote(text)));
        }
        Ok(pattern)
    }

    /// Returns true if the pattern matches `event`.
    pub fn matches(&self, event: &Event) -> bool {
        match self {
            Self::Exact(name) => *name == event.0,
            Self::Prefix(prefix) => event
                .0
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| !rest.is_empty()),
            Self::All => true,
        }
    }
}

/// Returns true if the text ends in a dot that is not its only character.
fn ends_in_dot(prefix: &str) -> bool {
    prefix.len() > 1 && prefix.ends_with('.')
}

fn check_text(text: &str) -> Result<(), EventError> {
    if text.is_empty() {
        return Err(EventError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(EventError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(EventError::ControlCharacter);
    }
    Ok(())
}
