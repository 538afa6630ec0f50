//! Tests across the whole system; they are in `tests/`.
//!
//! | folder | subject |
//! |---|---|
//! | `component/` | the compiled component, in an empty host |
//! | `apps/` | the producer and the consumer, as processes, at the wire |
//! | `guard/` | the guard in front of an app, as a process, at the wire |
//! | `polyglot/` | the consumers in other languages, as processes, at the wire |
