//! JSON text into values, and values into JSON text.

use std::collections::HashMap;
use std::fmt;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt, Kind,
};
use cel::common::value::{CowVal, Val};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::meter::ENV;

/// The value of a JSON text. Texts without escapes are borrowed from it.
///
/// # Errors
///
/// Why there is none: the text nests deeper than 128 levels, or is no JSON.
pub fn read(text: &[u8]) -> Result<Box<dyn Val + '_>, String> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    Tree.deserialize(&mut reader)
        .map_err(|error| format!("`event.data`: {error}"))
}

#[derive(Clone, Copy)]
struct Tree;

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Box<dyn Val + 'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Box<dyn Val + 'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Box::new(CelNull))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Box::new(CelBool::from(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Box::new(CelInt::from(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(match i64::try_from(value) {
            Ok(value) => Box::new(CelInt::from(value)),
            Err(_) => Box::new(CelUInt::from(value)),
        })
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Box::new(CelDouble::from(value)))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Box::new(CelString::from(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Box::new(CelString::from(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut items: Vec<Self::Value> = Vec::new();
        while let Some(item) = from.next_element_seed(Tree)? {
            items.push(item);
        }
        Ok(Box::new(CelList::from(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut entries: HashMap<CelMapKey<'de>, Self::Value> = HashMap::new();
        while let Some(key) = from.next_key::<std::borrow::Cow<'de, str>>()? {
            let value = from.next_value_seed(Tree)?;
            entries.insert(CelMapKey::String(CelString::from(key)), value);
        }
        Ok(Box::new(CelMap::from(entries)))
    }
}

/// Why a value is no JSON text.
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

/// JSON text in the making: compact, and of a bounded length.
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

    /// Adds text that is JSON, or punctuation of it.
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

    /// Adds a value. The keys of a map, which has no order of its own, are sorted.
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
            Kind::Double => self.double(
                *value
                    .downcast_ref::<CelDouble>()
                    .ok_or_else(no_form)?
                    .inner(),
            ),
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

    fn double(&mut self, number: f64) -> Result<(), WriteError> {
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

/// The text of a map's key.
pub fn key_text<'b>(key: &'b (dyn Val + '_)) -> Result<&'b str, WriteError> {
    let text = key.downcast_ref::<CelString>().map(CelString::inner);
    text.ok_or_else(|| WriteError::Key(key.get_type().name().to_owned()))
}

/// A timestamp in RFC 3339, a duration in seconds: what the language's `string` makes of them.
fn moment(value: &dyn Val) -> Option<String> {
    let args = || vec![CowVal::Owned(value.clone_as_boxed())];
    let string = ENV.find_overload("string", &args())?;
    let text = string(args()).ok()?;
    Some(text.downcast_ref::<CelString>()?.inner().to_owned())
}
