//! The audit list: an entry for each change of state, with its author.
//!
//! An entry is written before its change, and the change is refused if that fails. The outcome is added
//! afterwards. If that write fails, the entry keeps the outcome `unknown`, and the log has the outcome.
//! So no change lacks an entry. The two are not one transaction: a change may span several writes.

mod author;
mod detail;
mod log;

pub use author::Author;
pub use detail::{AuditDetail, difference};
pub use log::{AuditLog, Begun};
