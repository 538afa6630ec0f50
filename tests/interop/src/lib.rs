//! Other implementations of the signature schemes, as references for the crate `webhook-signature`.
//!
//! A [`Reference`] signs, verifies, or does both, in one [`Form`]. [`References::available`] returns all that this
//! machine has; `scripts/setup-interop.sh` installs those in Python and JavaScript.
//!
//! | reference | forms | interface |
//! |---|---|---|
//! | `standardwebhooks` (crates.io) | `v1` | linked |
//! | `standardwebhooks`, `svix` (PyPI) | `v1` | `python/reference.py` |
//! | `standardwebhooks`, `svix` (npm) | `v1` | `javascript/reference.mjs` |
//! | `hmac` of Python | `plain`, `wss` | `python/reference.py` |
//! | `cryptography` (PyPI) | `v1a` | `python/reference.py` |
//! | `crypto` of Node | `v1a` | `javascript/reference.mjs` |
//! | `openssl` | all | its command line |
//! | the receivers in `docs/SIGNATURES.md` | `v1` | extracted from the document and run |
//!
//! A missing reference is reported and skipped, unless the environment has `CI=true`: then every test
//! fails. The one in Go is optional even there. All functions panic on failure, because they only run
//! in tests.

#[cfg(doctest)]
mod doctests;
mod document;
mod form;
mod go;
mod linked;
mod openssl;
mod process;
mod reference;
mod references;
mod scripted;
mod shell;

pub use form::{Bodies, Form};
pub use reference::{Headers, Message, Reference, Request, header};
pub use references::References;
