//! Planning: expressions and components as folders of cases, what they may cost, the check of
//! events, and the planner on a real store.

#[path = "../nouns/mod.rs"]
mod nouns;

mod cases;
#[cfg(feature = "components")]
mod component;
mod event;
mod expression;
mod flaky;
mod lanes;
mod planner;
mod world;
