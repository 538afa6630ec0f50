//! What becomes of a panic.

use core::panic::PanicInfo;

/// Traps: with nothing imported there is nowhere to report to, and the host says where it was.
#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
