//! Filters and transforms: expressions and components as folders of cases, and what they may cost.

mod cases;
#[cfg(feature = "components")]
mod component;
#[cfg(feature = "components")]
mod events;
mod expression;
