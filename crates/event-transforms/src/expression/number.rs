//! Converts numbers of JSON into values.

use std::any::Any;
use std::sync::OnceLock;

use cel::common::traits::{Adder, Comparer, Divider, Multiplier, Negator, Subtractor, Zeroer};
use cel::common::types::{CelDouble, CelInt, CelNull, CelUInt, Type};
use cel::common::value::{StaticVal, Val};

/// Returns the value of a number; `None` if the text is not a number. Integers are `int`, or `uint`
/// beyond its range. All others are `double` and keep their text, which a `double` would lose:
/// `1e3`, `1.10`, an integer of thirty digits.
pub fn number(text: &str) -> Option<Box<dyn Val + '_>> {
    // No integer represents the sign of `-0`.
    if let Ok(int) = text.parse::<i64>()
        && text != "-0"
    {
        return Some(Box::new(CelInt::from(int)));
    }
    if let Ok(uint) = text.parse::<u64>() {
        return Some(Box::new(CelUInt::from(uint)));
    }
    let double = CelDouble::from(text.parse::<f64>().ok()?);
    Some(Box::new(Published { double, text }))
}

/// Returns the published text of a number; `None` for a calculated one.
pub fn published_text(value: &dyn Val) -> Option<Box<str>> {
    let probe = Probe::default();
    value.equals(&probe);
    probe.0.into_inner()
}

/// A `double` with the text that it was read from. The interpreter treats it as a `double`: it is
/// downcast to one, and calculates as one.
#[derive(Clone, Copy, Debug)]
struct Published<'d> {
    double: CelDouble,
    text: &'d str,
}

impl Val for Published<'_> {
    fn get_type(&self) -> &Type {
        self.double.get_type()
    }

    fn cel_type() -> &'static Type {
        CelDouble::cel_type()
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        self.double.as_adder()
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        self.double.as_comparer()
    }

    fn as_divider<'b, 'v>(&'b self) -> Option<&'b (dyn Divider + 'v)>
    where
        Self: 'v,
    {
        self.double.as_divider()
    }

    fn as_multiplier<'b, 'v>(&'b self) -> Option<&'b (dyn Multiplier + 'v)>
    where
        Self: 'v,
    {
        self.double.as_multiplier()
    }

    fn as_negator<'b, 'v>(&'b self) -> Option<&'b (dyn Negator + 'v)>
    where
        Self: 'v,
    {
        self.double.as_negator()
    }

    fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
    where
        Self: 'v,
    {
        self.double.as_subtractor()
    }

    fn as_zeroer(&self) -> Option<&dyn Zeroer> {
        self.double.as_zeroer()
    }

    fn equals(&self, other: &dyn Val) -> bool {
        match other.downcast_ref::<Probe>() {
            Some(probe) => probe.0.set(self.text.into()).is_ok(),
            None => self.double.equals(other),
        }
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(&self.double)
    }
}

/// Receives the text of the number that it is compared with. A value that borrows cannot be
/// downcast to its own type, but comparing passes one value to another.
#[derive(Debug, Default)]
struct Probe(OnceLock<Box<str>>);

impl Val for Probe {
    fn get_type(&self) -> &Type {
        Self::cel_type()
    }

    fn cel_type() -> &'static Type {
        CelNull::cel_type()
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(Self::default())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Probe {}
