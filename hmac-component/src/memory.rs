//! The component's memory: its allocator, the function through which the caller of an export makes
//! room for the arguments, and a comparison that a C library would otherwise bring.

#![allow(
    unsafe_code,
    reason = "the canonical ABI hands out raw memory, and no safe interface covers that"
)]

use alloc::alloc::{Layout, alloc, realloc};
use core::ptr;

use dlmalloc::GlobalDlmalloc;

/// What a call has freed, the next one uses again. Linear memory itself never shrinks, so that an
/// instance keeps the room that its largest call took.
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

/// The canonical ABI's `realloc`: makes room for an argument, or gives a block another size.
///
/// It traps when memory has run out. On `wasm32-wasip2` the bindings leave this function to the C
/// library, which is not linked here.
///
/// # Safety
///
/// `align` is a power of two, and `old`, unless `old_len` is 0, a block of `old_len` bytes and of
/// that alignment that came from here. The ABI holds its callers to both.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_len: usize,
    align: usize,
    new_len: usize,
) -> *mut u8 {
    if new_len == 0 {
        return ptr::without_provenance_mut(align);
    }
    // SAFETY: the layouts are valid by the caller's promise, `old` belongs to its layout, and no
    // block of 0 bytes is asked for.
    let block = unsafe {
        if old_len == 0 {
            alloc(Layout::from_size_align_unchecked(new_len, align))
        } else {
            let layout = Layout::from_size_align_unchecked(old_len, align);
            realloc(old, layout, new_len)
        }
    };
    if block.is_null() {
        core::arch::wasm32::unreachable();
    }
    block
}

/// C's `memcmp`, which the compiler calls where slices are compared. Elsewhere it is the C
/// library's.
///
/// Tags are not compared with it: that takes the same time whichever byte differs.
///
/// # Safety
///
/// `len` bytes can be read from both. The compiler keeps to it.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, len: usize) -> i32 {
    for index in 0..len {
        // SAFETY: `index` is below `len`.
        let (one, other) = unsafe { (*one.add(index), *other.add(index)) };
        if one != other {
            return i32::from(one) - i32::from(other);
        }
    }
    0
}
