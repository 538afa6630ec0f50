//! The progress of pruning.

use super::mark::Mark;
use super::row::state;

/// The progress through all deliveries: tenant after tenant, succeeded ones, then dead ones, the oldest
/// first. After the last tenant it starts again, for deliveries that have ended since.
#[derive(Clone, Copy)]
pub(super) struct PruneCursor {
    pub tenant: i32,
    pub state: i16,
    pub reached: Mark,
}

impl Default for PruneCursor {
    fn default() -> Self {
        Self {
            tenant: 0,
            state: state::DEAD,
            reached: Mark::BOTTOM,
        }
    }
}
