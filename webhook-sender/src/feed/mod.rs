//! The happenings of this process, for readers that follow them live.
//!
//! Nothing waits for a reader: each has a bounded buffer, and one that does not keep up misses the oldest
//! happenings and learns their number. A tenant without a reader costs one check of a number.

mod happening;
mod subscribers;

pub use happening::Happening;
pub use subscribers::{Feed, Next, Subscription};
