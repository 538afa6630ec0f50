//! The bounds on the memory of one request: on what its guest has, and on what the host holds
//! for it.

use wasmtime::ResourceLimiter;

/// Elements a table may grow to: what the pool has room for.
const MAX_TABLE_ELEMENTS: usize = 100_000;

/// The most bytes of one result: Spin's number.
pub(crate) const MAX_RESULT: usize = 128 << 20;

/// The bytes that a result may have in any case: a guest whose memories have grown to their bound
/// may have room inside them.
const SMALL_RESULT: usize = 1 << 20;

/// Counts the memories of an instance, those of its dependencies included, and what the host
/// keeps for it, against one bound. A memory that may not grow is the guest's to notice:
/// `memory.grow` returns -1.
pub(super) struct MemoryLimit {
    left: usize,
}

impl MemoryLimit {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// The bound on one result of a store or server. It is there twice when it is handed over:
    /// once in the host, once in the guest.
    pub(super) fn result(&self) -> ResultLimit {
        ResultLimit::new((self.left / 2).clamp(SMALL_RESULT, MAX_RESULT))
    }

    /// Counts what the host keeps for the guest until [`MemoryLimit::release`].
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(bytes).ok_or(TooLarge(self.left))?;
        Ok(())
    }

    pub(super) fn release(&mut self, bytes: usize) {
        self.left += bytes;
    }
}

/// A result with more bytes than it may have. The words are Spin's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("query result exceeds limit of {0} bytes")]
pub(crate) struct TooLarge(pub(crate) usize);

/// Counts a result while it is collected.
#[derive(Clone, Debug)]
pub(crate) struct ResultLimit {
    most: usize,
    left: usize,
}

impl ResultLimit {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, left: most }
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Counts `bytes` more.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(bytes).ok_or(TooLarge(self.most))?;
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_has_half_of_what_the_guest_has_left() {
        let mut memory = MemoryLimit::new(64 << 20);
        assert_eq!(memory.result().most(), 32 << 20);
        memory.hold(63 << 20).unwrap();
        assert_eq!(memory.result().most(), SMALL_RESULT);
        assert_eq!(memory.hold(2 << 20), Err(TooLarge(1 << 20)));
        memory.release(63 << 20);
        assert_eq!(MemoryLimit::new(1 << 30).result().most(), MAX_RESULT);
    }

    #[test]
    fn a_result_is_counted_as_it_grows() {
        let mut limit = ResultLimit::new(10);
        assert_eq!(limit.take(6), Ok(()));
        assert_eq!(limit.take(4), Ok(()));
        let error = limit.take(1).unwrap_err();
        assert_eq!(error.to_string(), "query result exceeds limit of 10 bytes");
    }
}
