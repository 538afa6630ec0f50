//! Writes values as JSON text.

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelString, CelUInt, Kind};
use cel::common::value::{CowVal, Val};

use super::meter::ENV;
use super::number::published_text;

/// The reason for which a value has no JSON text.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum WriteError {
    #[error("the output is larger than {0} bytes")]
    TooLarge(usize),
    #[error("a value of type `{0}` has no form in JSON")]
    NoForm(String),
    #[error("a map key of type `{0}` is not a string")]
    Key(String),
    #[error("the map key `{0}` is there twice")]
    Twice(String),
    #[error("`{0}` is not a number that JSON has")]
    Number(f64),
}

/// A writer of compact JSON text of a bounded length.
pub struct Writer {
    out: Vec<u8>,
    max: usize,
}

impl Writer {
    pub fn new(max: usize) -> Self {
        Self {
            out: Vec::with_capacity(256.min(max)),
            max,
        }
    }

    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Appends JSON text or punctuation.
    pub fn raw(&mut self, text: &[u8]) -> Result<(), WriteError> {
        if self.out.len() + text.len() > self.max {
            return Err(WriteError::TooLarge(self.max));
        }
        self.out.extend_from_slice(text);
        Ok(())
    }

    pub fn text(&mut self, text: &str) -> Result<(), WriteError> {
        let quoted = serde_json::to_vec(text).unwrap_or_default();
        self.raw(&quoted)
    }

    /// Appends a value. The keys of a map are sorted, because maps are unordered.
    pub fn value(&mut self, value: &dyn Val) -> Result<(), WriteError> {
        let no_form = || WriteError::NoForm(value.get_type().name().to_owned());
        match value.get_type().kind() {
            Kind::NullType => self.raw(b"null"),
            Kind::Boolean => {
                let truth = *value.downcast_ref::<CelBool>().ok_or_else(no_form)?.inner();
                self.raw(if truth { b"true" } else { b"false" })
            }
            Kind::Int => {
                let number = *value.downcast_ref::<CelInt>().ok_or_else(no_form)?.inner();
                self.raw(number.to_string().as_bytes())
            }
            Kind::UInt => {
                let number = *value.downcast_ref::<CelUInt>().ok_or_else(no_form)?.inner();
                self.raw(number.to_string().as_bytes())
            }
            Kind::Double => match published_text(value) {
                Some(text) => self.raw(text.as_bytes()),
                None => self.double(*value.downcast_ref::<CelDouble>().ok_or_else(no_form)?),
            },
            Kind::String => self.text(
                value
                    .downcast_ref::<CelString>()
                    .ok_or_else(no_form)?
                    .inner(),
            ),
            Kind::List => self.list(value.downcast_ref::<CelList>().ok_or_else(no_form)?),
            Kind::Map => self.map(value.downcast_ref::<CelMap>().ok_or_else(no_form)?),
            Kind::Timestamp | Kind::Duration => self.text(&moment(value).ok_or_else(no_form)?),
            _ => Err(no_form()),
        }
    }

    fn double(&mut self, number: CelDouble) -> Result<(), WriteError> {
        let number = number.into_inner();
        if !number.is_finite() {
            return Err(WriteError::Number(number));
        }
        self.raw(serde_json::Value::from(number).to_string().as_bytes())
    }

    fn list(&mut self, list: &CelList<'_>) -> Result<(), WriteError> {
        self.raw(b"[")?;
        for (index, item) in list.inner().iter().enumerate() {
            if index > 0 {
                self.raw(b",")?;
            }
            self.value(&**item)?;
        }
        self.raw(b"]")
    }

    fn map(&mut self, map: &CelMap<'_>) -> Result<(), WriteError> {
        let mut entries = Vec::with_capacity(map.inner().len());
        for (key, value) in map.inner() {
            entries.push((key_text(key.inner())?, value));
        }
        entries.sort_unstable_by_key(|(key, _)| *key);
        self.raw(b"{")?;
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if index > 0 {
                self.raw(b",")?;
            }
            self.text(key)?;
            self.raw(b":")?;
            self.value(&**value)?;
        }
        self.raw(b"}")
    }
}

/// Returns the text of a map key.
pub fn key_text<'b>(key: &'b (dyn Val + '_)) -> Result<&'b str, WriteError> {
    let text = key.downcast_ref::<CelString>().map(CelString::inner);
    text.ok_or_else(|| WriteError::Key(key.get_type().name().to_owned()))
}

/// Returns a timestamp in RFC 3339 or a duration in seconds, as the function `string` of the
/// language writes them.
fn moment(value: &dyn Val) -> Option<String> {
    let args = || vec![CowVal::Owned(value.clone_as_boxed())];
    let string = ENV.find_overload("string", &args())?;
    let text = string(args()).ok()?;
    Some(text.downcast_ref::<CelString>()?.inner().to_owned())
}
