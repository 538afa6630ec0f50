//! The headers that are forwarded to the app.

use webhook_receiver::Headers;

/// The headers in which Spin describes a request to its component.
const SPIN_HEADERS: [&str; 7] = [
    "spin-base-path",
    "spin-client-addr",
    "spin-component-route",
    "spin-full-url",
    "spin-matched-route",
    "spin-path-info",
    "spin-raw-component-route",
];

/// The prefix of Spin's headers for the named segments of a route.
const SPIN_SEGMENT_PREFIX: &str = "spin-path-match-";

/// Returns the headers to forward: all in their order, except for those that the runtime sets. It
/// sets them again for the app, and duplicates would be ambiguous.
///
/// The runtime itself drops `Host` and the headers of a single connection (`Connection`,
/// `Transfer-Encoding` and the like).
///
/// ```
/// let header = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
/// let headers = vec![
///     header("x-order", b"7"),
///     header("spin-full-url", b"http://example.com/orders"),
///     header("x-order", b"8"),
/// ];
/// let forwarded = webhook_guard::forwarded_headers(headers);
/// assert_eq!(forwarded, [header("x-order", b"7"), header("x-order", b"8")]);
/// ```
pub fn forwarded_headers(mut headers: Headers) -> Headers {
    headers.retain(|(name, _)| !is_set_by_spin(name));
    headers
}

/// The maximum total size of the headers of an outgoing request. wasmtime stops a component that
/// exceeds it.
const MAX_BYTES: usize = 128 * 1024;

/// The maximum overhead that is counted for each header.
const OVERHEAD_BYTES: usize = 80;

/// Returns true if the runtime lets a component send these headers.
pub(crate) fn are_sendable(headers: &Headers) -> bool {
    let sizes = headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + OVERHEAD_BYTES);
    sizes.sum::<usize>() <= MAX_BYTES
}

fn is_set_by_spin(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SPIN_HEADERS.contains(&name.as_str()) || name.starts_with(SPIN_SEGMENT_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_only_resemble_those_of_spin_are_forwarded() {
        for name in [
            "spin",
            "spin-",
            "spin-client-addr-2",
            "x-spin-full-url",
            "spin-path-match",
        ] {
            assert!(!is_set_by_spin(name), "{name}");
        }
        for name in ["Spin-Full-URL", "spin-path-match-id"] {
            assert!(is_set_by_spin(name), "{name}");
        }
    }
}
