//! Parses JSON text into values.
//!
//! The parser is written by hand because a deserializer does not preserve the text of numbers.
//! Events are checked to be JSON when they are accepted; text that is not JSON and would be misread
//! is an error here.

use std::borrow::Cow;
use std::collections::HashMap;

use cel::common::types::{CelBool, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;

use super::number::number;

/// The maximal nesting of lists and maps. Parsing recurses over them.
const MAX_DEPTH: usize = 128;

type Read<T> = Result<T, String>;
type Value<'d> = Box<dyn Val + 'd>;

/// Returns the value of a JSON text. Strings without escapes and the texts of numbers are borrowed
/// from it.
///
/// # Errors
///
/// The text is nested more than 128 levels deep, or is not JSON.
pub fn read(text: &[u8]) -> Read<Value<'_>> {
    let text = std::str::from_utf8(text).map_err(|error| format!("`event.data`: {error}"))?;
    let mut reader = Reader {
        text,
        at: 0,
        depth: 0,
    };
    let value = reader.value().and_then(|value| reader.end(value));
    value.map_err(|error| format!("`event.data`: {error} at byte {}", reader.at))
}

struct Reader<'d> {
    text: &'d str,
    /// The number of bytes read so far.
    at: usize,
    depth: usize,
}

impl<'d> Reader<'d> {
    fn value(&mut self) -> Read<Value<'d>> {
        match self.peek() {
            Some(b'{') => self.nested(Self::map),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => Ok(Box::new(CelString::from(self.string()?))),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    /// Returns the value if nothing follows it.
    fn end(&mut self, value: Value<'d>) -> Read<Value<'d>> {
        match self.peek() {
            None => Ok(value),
            Some(_) => Err("unexpected text".into()),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Value<'d>>) -> Read<Value<'d>> {
        if self.depth == MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} levels deep"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Read<Value<'d>> {
        let mut items = Vec::new();
        let mut more = !self.takes(b']');
        while more {
            items.push(self.value()?);
            more = self.goes_on(b']')?;
        }
        Ok(Box::new(CelList::from(items)))
    }

    fn map(&mut self) -> Read<Value<'d>> {
        let mut entries = HashMap::new();
        let mut more = !self.takes(b'}');
        while more {
            let key = match self.peek() {
                Some(b'"') => self.string()?,
                _ => return Err("expected a key".into()),
            };
            if !self.takes(b':') {
                return Err("expected `:`".into());
            }
            let value = self.value()?;
            entries.insert(CelMapKey::String(CelString::from(key)), value);
            more = self.goes_on(b'}')?;
        }
        Ok(Box::new(CelMap::from(entries)))
    }

    /// Reads a string, whose opening quote is next.
    fn string(&mut self) -> Read<Cow<'d, str>> {
        let rest = self.rest();
        let (mut end, mut is_escaped) = (1, false);
        loop {
            match rest.as_bytes().get(end) {
                None => return Err("unterminated string".into()),
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    end += 2;
                }
                Some(_) => end += 1,
            }
        }
        let quoted = rest.get(..=end).unwrap_or_default();
        let plain = rest.get(1..end).unwrap_or_default();
        let text = if is_escaped {
            Cow::Owned(serde_json::from_str(quoted).map_err(|error| error.to_string())?)
        } else {
            Cow::Borrowed(plain)
        };
        self.at += quoted.len();
        Ok(text)
    }

    fn number(&mut self) -> Read<Value<'d>> {
        let rest = self.rest();
        let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().take_while(of_number).count();
        let text = rest.get(..length).unwrap_or_default();
        let value = number(text).ok_or("expected a number")?;
        self.at += length;
        Ok(value)
    }

    fn word(&mut self) -> Read<Value<'d>> {
        let rest = self.rest();
        let starts = |word: &&str| rest.starts_with(word);
        let word = ["null", "true", "false"].into_iter().find(starts);
        let word = word.ok_or("expected a value")?;
        self.at += word.len();
        Ok(match word {
            "null" => Box::new(CelNull),
            _ => Box::new(CelBool::from(word == "true")),
        })
    }

    /// Returns true if another element follows, and false at `end`.
    fn goes_on(&mut self, end: u8) -> Read<bool> {
        match (self.takes(b','), self.takes(end)) {
            (true, false) => Ok(true),
            (false, true) => Ok(false),
            _ => Err(format!("expected `,` or `{}`", char::from(end))),
        }
    }

    /// Skips `byte` and returns true if it is next.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Skips white space and returns the next byte.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let blanks = rest.iter().take_while(blank).count();
        self.at += blanks;
        rest.get(blanks).copied()
    }

    fn rest(&self) -> &'d str {
        self.text.get(self.at..).unwrap_or_default()
    }
}
