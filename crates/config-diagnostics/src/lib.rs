//! Reads TOML and JSON documents key by key, and reports every fault at once: its line, its key,
//! the reason and the nearest known name.
//!
//! [`Node`] is a parsed document whose values know their lines. Two readers work on it:
//!
//! - [`Fields`] consumes a table. It collects diagnostics and goes on, and a table that is finished
//!   reports the keys that were never read.
//! - [`Table`] and [`Entry`] borrow a document whose parts refer to each other. Their functions
//!   return [`Diagnostics`], and [`collect_all`] gathers those of independent items.
//!
//! ```
//! use config_diagnostics::{Fields, InvalidFile, Node};
//!
//! let text = "[server]\nport = \"http\"\nhots = \"localhost\"\n";
//! let mut diagnostics = Vec::new();
//! let mut root = Fields::of(Node::from_toml(text).unwrap(), "", &mut diagnostics);
//! root.section("server", |server| {
//!     server.get("port", |node| node.integer());
//!     server.get("host", |node| node.string().map(str::to_owned));
//! });
//! root.finish();
//!
//! let invalid = InvalidFile::new("server.toml".into(), diagnostics);
//! assert_eq!(
//!     invalid.to_string(),
//!     "server.toml:2: server.port: must be a whole number, not a string\n\
//!      server.toml:3: server.hots: unknown key; did you mean `host`?"
//! );
//! ```

#![deny(missing_docs)]
#![cfg_attr(not(test), deny(clippy::disallowed_macros))]

mod diagnostic;
mod document;
mod fields;
mod suggestion;
mod table;

pub use diagnostic::{Diagnostic, Diagnostics, InvalidFile, collect_all};
pub use document::{Node, Value};
pub use fields::Fields;
pub use suggestion::{did_you_mean, quoted_list, unknown_name};
pub use table::{Entry, Table};
