//! The panic handler.

use core::panic::PanicInfo;

/// Traps: without imports there is no way to report a message, and the host reports the location.
#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
