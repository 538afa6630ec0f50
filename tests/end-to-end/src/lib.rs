//! Tests across the whole system; they are in `tests/`.
//!
//! | file | what it tests |
//! |---|---|
//! | `component/` | the built component, in a host of its own |
//! | `apps/` | the producer and the consumer, each as a process, at the wire |
