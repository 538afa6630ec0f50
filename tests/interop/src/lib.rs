//! Other people's implementations of the signature schemes, to hold the crate `signature` to.
//!
//! A [`Judge`] signs, or verifies, or does both, in one [`Form`]. [`Panel::seated`] has all that
//! this machine has; `scripts/setup-judges.sh` installs those in Python and JavaScript.
//!
//! | judge | forms | how it is asked |
//! |---|---|---|
//! | `standardwebhooks` (crates.io) | `v1` | linked |
//! | `standardwebhooks`, `svix` (PyPI) | `v1` | `python/judge.py` |
//! | `standardwebhooks`, `svix` (npm) | `v1` | `javascript/judge.mjs` |
//! | `hmac` of Python | `plain`, `wss` | `python/judge.py` |
//! | `cryptography` (PyPI) | `v1a` | `python/judge.py` |
//! | `crypto` of Node | `v1a` | `javascript/judge.mjs` |
//! | `openssl` | all | its command line |
//! | the receivers in `docs/SIGNATURES.md` | `v1` | taken out of the document, and run |
//!
//! A judge that is missing is named and left out, unless the environment has `CI=true`: then it
//! fails every test. The one in Go may be missing even there. Everything here panics where it cannot do what it was asked to: it runs in
//! tests only.

mod document;
mod form;
mod go;
mod judge;
mod linked;
mod openssl;
mod panel;
mod process;
mod scripted;
mod shell;

pub use form::{Bodies, Form};
pub use judge::{Headers, Judge, Message, Request, header};
pub use panel::Panel;
