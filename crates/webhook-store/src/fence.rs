//! Fences, which tie an outcome to its claim.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use webhook_model::Millis;

/// Identifies one claim of a delivery by one owner.
///
/// The same owner can claim a delivery again, for instance if the reply to its recorded failure was
/// lost. The owner alone would let the repeated recording complete the second claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The moment of the claim.
    pub at: Millis,
    /// A number that differs between any two claiming calls, of this process or another.
    pub count: u64,
}

impl Fence {
    /// Returns the fence of a call that claims at `now`.
    pub fn new(now: Millis) -> Self {
        // A random start keeps the numbers of two processes apart.
        static COUNT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(rand::random()));
        Self {
            at: now,
            count: COUNT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Returns the fixed-length form that the Redis store keeps in its records.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.at.0.to_be_bytes());
        bytes[8..].copy_from_slice(&self.count.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_claims_of_one_moment_have_different_fences() {
        let (one, other) = (Fence::new(Millis(1)), Fence::new(Millis(1)));
        assert_ne!(one, other);
        assert_ne!(one.to_bytes(), other.to_bytes());
    }
}
