//! Which headers reach the app.

use webhook_receiver::Headers;

/// What Spin tells every component about its request, by header.
const SPINS_OWN: [&str; 7] = [
    "spin-base-path",
    "spin-client-addr",
    "spin-component-route",
    "spin-full-url",
    "spin-matched-route",
    "spin-path-info",
    "spin-raw-component-route",
];

/// And for every named segment of its route.
const SPINS_SEGMENTS: &str = "spin-path-match-";

/// The headers as they go on: all of them, in their order, but for those that the runtime writes
/// itself. It tells the app anew what it told the guard, and two of each would leave the app to
/// choose.
///
/// `Host` and what concerns one connection only (`Connection`, `Transfer-Encoding` and their like)
/// the runtime keeps from components anyway.
///
/// ```
/// let header = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
/// let headers = vec![
///     header("x-order", b"7"),
///     header("spin-full-url", b"http://example.com/orders"),
///     header("x-order", b"8"),
/// ];
/// let passed = webhook_guard::passed_on(headers);
/// assert_eq!(passed, [header("x-order", b"7"), header("x-order", b"8")]);
/// ```
pub fn passed_on(mut headers: Headers) -> Headers {
    headers.retain(|(name, _)| !is_spins_own(name));
    headers
}

/// The most that the headers of a component's request may cost: wasmtime's bound, past which it
/// stops the component.
const MOST: usize = 128 * 1024;

/// What a header costs there beside its bytes, at the most.
const EACH: usize = 80;

/// Whether the runtime lets a component send these headers.
pub(crate) fn are_sendable(headers: &Headers) -> bool {
    let costs = headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + EACH);
    costs.sum::<usize>() <= MOST
}

fn is_spins_own(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SPINS_OWN.contains(&name.as_str()) || name.starts_with(SPINS_SEGMENTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_resembles_spins_own_headers_goes_on() {
        for name in [
            "spin",
            "spin-",
            "spin-client-addr-2",
            "x-spin-full-url",
            "spin-path-match",
        ] {
            assert!(!is_spins_own(name), "{name}");
        }
        for name in ["Spin-Full-URL", "spin-path-match-id"] {
            assert!(is_spins_own(name), "{name}");
        }
    }
}
