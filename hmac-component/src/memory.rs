//! The component's memory: the allocator, and the hook through which callers place arguments.

use alloc::alloc::{Layout, alloc, realloc};

use dlmalloc::GlobalDlmalloc;

/// Freed blocks are used again by later calls; linear memory itself never shrinks.
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

/// `cabi_realloc` of the component model's canonical ABI: makes room for an argument, or makes
/// that room larger or smaller.
///
/// `wit-bindgen` leaves this function to the C library of `wasm32-wasip2`, which is not linked.
///
/// # Safety
///
/// `align` is a power of two, and `old`, if `old_len` is not 0, a block of that size and alignment
/// that this function returned. The canonical ABI holds every caller to both.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_len: usize,
    align: usize,
    new_len: usize,
) -> *mut u8 {
    if new_len == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    // SAFETY: the caller's promise, and neither length is 0 where a block is asked for.
    let block = unsafe {
        match old_len {
            0 => alloc(Layout::from_size_align_unchecked(new_len, align)),
            _ => realloc(
                old,
                Layout::from_size_align_unchecked(old_len, align),
                new_len,
            ),
        }
    };
    if block.is_null() {
        core::arch::wasm32::unreachable()
    }
    block
}
