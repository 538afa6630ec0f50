//! Event names, and the patterns that choose among them.
//!
//! A registration holds the pattern, a firing the name:
//!
//! ```
//! use webhook_producer::event::{Event, Pattern};
//!
//! let wanted = Pattern::parse("order.*").unwrap();
//! assert!(wanted.matches(&Event::parse("order.shipped.abroad").unwrap()));
//! assert!(!wanted.matches(&Event::parse("order").unwrap()));
//! ```

use crate::problems::quote;

/// The longest name or pattern, in bytes.
const LONGEST: usize = 255;

/// Why a text is no event.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    #[error("the event is empty")]
    Empty,
    #[error("the event is longer than {LONGEST} bytes")]
    TooLong,
    #[error("the event holds a control character")]
    ControlCharacter,
    #[error("{0} has a `*` where none may stand; patterns are `prefix.*` and `*`")]
    MisplacedStar(String),
    #[error("{0} is a pattern; what is fired is one event, by its name")]
    StarInName(String),
}

/// The name of something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(String);

impl Event {
    /// A name is 1 to 255 bytes of UTF-8 without control characters and without `*`.
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

/// What a consumer wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// This event and no other; case counts.
    Exact(String),
    /// Every event whose name starts with this text, which ends in a dot, and goes on after it.
    Prefix(String),
    /// Every event.
    All,
}

impl Pattern {
    /// The pattern of every event.
    pub const EVERY: &str = "*";

    /// A pattern is an event's name, `prefix.*` or `*`.
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

    /// Whether a consumer with this pattern gets `event`.
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

/// Whether something stands before a dot at the end.
fn ends_in_dot(prefix: &str) -> bool {
    prefix.len() > 1 && prefix.ends_with('.')
}

fn check_text(text: &str) -> Result<(), EventError> {
    if text.is_empty() {
        return Err(EventError::Empty);
    }
    if text.len() > LONGEST {
        return Err(EventError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(EventError::ControlCharacter);
    }
    Ok(())
}
