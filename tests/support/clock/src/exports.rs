//! The exports of the component.
#![allow(unsafe_code)] // the generated exports use the canonical ABI, with pointers and lengths

use crate::bindings;
use crate::stopped_clock::StoppedClock;

bindings::export!(StoppedClock with_types_in bindings);
