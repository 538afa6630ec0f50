//! The memory limits of one request: on the memories of its guest, and on the data that the host
//! holds for it.

use rusqlite::limits::Limit;
use wasmtime::ResourceLimiter;

/// The maximum number of elements of a table, which the pool has room for.
const MAX_TABLE_ELEMENTS: usize = 100_000;

/// The maximum size of a result in bytes, as in Spin.
pub(super) const MAX_RESULT: usize = 128 << 20;

/// The size in bytes that every result can have: a guest whose memories have reached their limit
/// may still have room inside them.
const MIN_RESULT: usize = 1 << 20;

/// A limit on the memories of an instance, including those of its dependencies, and on the data
/// that the host holds for it. Beyond the limit, `memory.grow` returns -1 to the guest.
pub(super) struct MemoryLimit {
    left: usize,
}

impl MemoryLimit {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// Returns the limit for a result of a store or server: half of the memory that is left,
    /// because the host and the guest both hold the result while it is passed on.
    pub(super) fn result_limit(&self) -> ResultLimit {
        ResultLimit::new((self.left / 2).clamp(MIN_RESULT, MAX_RESULT))
    }

    /// Counts data that the host holds for the guest until [`MemoryLimit::release`].
    pub(super) fn hold(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(bytes).ok_or(TooLarge(self.left))?;
        Ok(())
    }

    pub(super) fn release(&mut self, bytes: usize) {
        self.left += bytes;
    }
}

/// The error of a result over its limit. The message is Spin's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("query result exceeds limit of {0} bytes")]
pub(super) struct TooLarge(pub(super) usize);

/// The limit of a result, counted while the result is collected.
#[derive(Clone, Debug)]
pub(super) struct ResultLimit {
    max: usize,
    left: usize,
}

impl ResultLimit {
    pub(super) fn new(max: usize) -> Self {
        Self { max, left: max }
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// Counts further bytes.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.left = self.left.checked_sub(bytes).ok_or(TooLarge(self.max))?;
        Ok(())
    }
}

/// Limits the size of a text, blob or row that SQLite builds, since no result could hold more.
pub(super) fn limit_sqlite_values(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    let max = i32::try_from(MAX_RESULT).unwrap_or(i32::MAX);
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, max)?;
    Ok(())
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
    fn a_result_can_have_half_of_the_memory_that_is_left() {
        let mut memory = MemoryLimit::new(64 << 20);
        assert_eq!(memory.result_limit().max(), 32 << 20);
        memory.hold(63 << 20).unwrap();
        assert_eq!(memory.result_limit().max(), MIN_RESULT);
        assert_eq!(memory.hold(2 << 20), Err(TooLarge(1 << 20)));
        memory.release(63 << 20);
        assert_eq!(MemoryLimit::new(1 << 30).result_limit().max(), MAX_RESULT);
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
