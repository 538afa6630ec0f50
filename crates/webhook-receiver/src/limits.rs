//! The limits for requests.

/// The maximum size of the body of a delivery: 10 MiB. A longer one gets 413.
///
/// The complete body has to be in memory, because the component verifies it in one call.
pub const DELIVERY_BYTES: usize = 10 * 1024 * 1024;

/// The maximum time in seconds for a body to arrive. A slow sender occupies an instance meanwhile.
pub const BODY_SECONDS: u64 = 30;

/// The maximum size of the body of a handshake: 4 KiB, far above the longest key.
pub const HANDSHAKE_BYTES: usize = 4 * 1024;

/// The minimum length of a key in bytes: 16, which cannot be guessed.
pub const KEY_MIN_BYTES: usize = 16;

/// The maximum length of a key in bytes: 256. HMAC hashes keys above 64 bytes, so more is useless.
pub const KEY_MAX_BYTES: usize = 256;
