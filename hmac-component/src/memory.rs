//! The component's memory: its allocator, the function that allocates the arguments of an export,
//! and a comparison that otherwise comes from a C library.

#![allow(
    unsafe_code,
    reason = "the canonical ABI passes raw memory, and no safe interface covers that"
)]

use alloc::alloc::{Layout, alloc, realloc};
use core::ptr;

use dlmalloc::GlobalDlmalloc;

/// Memory that a call has freed is reused by the next one. Linear memory never shrinks, so an
/// instance keeps the memory of its largest call.
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

/// The canonical ABI's `realloc`: allocates memory for an argument, or resizes a block.
///
/// It traps if memory is exhausted. On `wasm32-wasip2` the bindings leave this function to the C
/// library, which is not linked here.
///
/// # Safety
///
/// `align` must be a power of two, and `old`, unless `old_len` is 0, a block of `old_len` bytes with
/// this alignment that this function returned. The ABI guarantees both.
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
    // SAFETY: the layouts are valid by the contract, `old` belongs to its layout, and no block of 0
    // bytes is allocated.
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

/// C's `memcmp`, which the compiler calls to compare slices. On other targets the C library has it.
///
/// Tags are not compared with it: their comparison runs in constant time.
///
/// # Safety
///
/// `len` bytes must be readable at both pointers. The compiler guarantees it.
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
