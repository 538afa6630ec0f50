//! The bound on what one request's memories take.

use wasmtime::ResourceLimiter;

/// Elements a table may grow to: what the pool has room for.
const MAX_TABLE_ELEMENTS: usize = 100_000;

/// Counts the memories of an instance, those of its dependencies included, against one bound.
/// A memory that may not grow is the guest's to notice: `memory.grow` answers -1.
pub(super) struct MemoryLimit {
    left: usize,
}

impl MemoryLimit {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = desired.saturating_sub(current);
        if maximum.is_some_and(|maximum| desired > maximum) || wanted > self.left {
            return Ok(false);
        }
        self.left -= wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired
            <= maximum
                .unwrap_or(MAX_TABLE_ELEMENTS)
                .min(MAX_TABLE_ELEMENTS))
    }
}
