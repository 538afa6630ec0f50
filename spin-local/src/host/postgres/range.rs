//! Ranges. An empty range has no bounds in the interface, as on Spin.

use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};

use crate::host::bindings::spin::postgres4_1_0::postgres::RangeBoundKind;

/// A bound with its kind; an absent one is infinite.
type Bound<T> = Option<(T, RangeBoundKind)>;

/// Converts a range of the server. `value` converts a bound.
pub(super) fn from_server<T: Normalizable + PartialOrd, W>(
    range: &Range<T>,
    value: impl Fn(&T) -> W,
) -> (Bound<W>, Bound<W>) {
    let lower = range.lower().map(|bound| from_bound(bound, &value));
    let upper = range.upper().map(|bound| from_bound(bound, &value));
    (lower, upper)
}

fn from_bound<S: BoundSided, T, W>(
    bound: &RangeBound<S, T>,
    value: impl Fn(&T) -> W,
) -> (W, RangeBoundKind) {
    let kind = match bound.type_ {
        BoundType::Inclusive => RangeBoundKind::Inclusive,
        BoundType::Exclusive => RangeBoundKind::Exclusive,
    };
    (value(&bound.value), kind)
}

/// Converts a range of a guest.
pub(super) fn to_server<T: Normalizable + PartialOrd>(
    (lower, upper): (Bound<T>, Bound<T>),
) -> Range<T> {
    Range::new(lower.map(to_bound), upper.map(to_bound))
}

fn to_bound<S: BoundSided, T: Normalizable + PartialOrd>(
    (value, kind): (T, RangeBoundKind),
) -> RangeBound<S, T> {
    let kind = match kind {
        RangeBoundKind::Inclusive => BoundType::Inclusive,
        RangeBoundKind::Exclusive => BoundType::Exclusive,
    };
    RangeBound::new(value, kind)
}
