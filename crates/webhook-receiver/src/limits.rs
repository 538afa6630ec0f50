//! The bounds on what a stranger may send.

/// The most bytes the body of a delivery may have: 10 MiB. One more is answered 413.
///
/// The body has to be in memory as a whole, because the component verifies it in one call.
pub const DELIVERY_BYTES: usize = 10 * 1024 * 1024;

/// The longest time, in seconds, that a body may take to arrive as a whole. Its sender chooses when
/// it ends, and an instance waits meanwhile.
pub const BODY_SECONDS: u64 = 30;

/// The most bytes the body of a handshake may have: 4 KiB, far above the longest key.
pub const HANDSHAKE_BYTES: usize = 4 * 1024;

/// The fewest bytes of a key: 16, the least that is out of reach of guessing.
pub const KEY_MIN_BYTES: usize = 16;

/// The most bytes of a key: 256. HMAC hashes what is longer than 64, so more adds nothing.
pub const KEY_MAX_BYTES: usize = 256;
