//! Failures of guests.

use std::hint::black_box;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use spin_sdk::http::ResponseOutparam;

use crate::call::Call;
use crate::reply::{Outcome, Reply, start, write_all};

const MIB: usize = 1024 * 1024;

pub fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

/// Loops forever, in a way that the compiler cannot optimise away.
pub fn spin_for_ever() -> ! {
    let mut turns: u64 = 0;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

pub fn exit(call: &Call) -> Outcome {
    std::process::exit(call.number("code")?)
}

/// Traps after the head and the beginning of a body are sent. `length` is the `Content-Length`, if
/// any.
///
/// The host may not have sent them when the guest traps: a pause of `ms` gives it time.
pub fn trap_late(call: &Call, outparam: ResponseOutparam) -> ! {
    let pause = call.optional_number("ms").ok().flatten().unwrap_or(0);
    let length = call.parameter("length").map(|length| {
        let name = "content-length".to_owned();
        (name, length.as_bytes().to_vec())
    });
    let body = start(200, length.as_slice(), outparam);
    let stream = body.write().expect("the body is not taken yet");
    write_all(&stream, b"the beginning of a body").expect("somebody to read it");
    sleep(Duration::from_millis(pause));
    trap()
}

/// Allocates memory until the first MiB that the host refuses.
pub fn memory(call: &Call) -> Outcome {
    let wanted: usize = call.number("mib")?;
    let mut held: Vec<Vec<u8>> = Vec::new();
    while held.len() < wanted {
        let mut block = Vec::new();
        if block.try_reserve_exact(MIB).is_err() {
            break;
        }
        block.resize(MIB, 0xa5);
        held.push(black_box(block));
    }
    Ok(Reply::json(&json!({ "wanted": wanted, "got": held.len() })))
}
