//! Messages about what a form did, shown on the page that follows it.

/// Returns the message of a code in the address; none for an unknown one. A count that is no number is
/// left out, so that an address cannot put words on a page.
pub fn of(code: &str, count: &str) -> Option<String> {
    let count: Option<u64> = count.parse().ok();
    let deliveries = match count {
        Some(1) => "1 delivery".to_owned(),
        Some(count) => format!("{count} deliveries"),
        None => "The deliveries".to_owned(),
    };
    let text = match code {
        "replayed" => return Some(format!("Replay: {deliveries} due again.")),
        "saved" => "The endpoint is saved.",
        "enabled" => "The endpoint is enabled.",
        "disabled" => "The endpoint is disabled. Its deliveries wait until you enable it.",
        "deleted" => "The endpoint is deleted.",
        "retried" => "The event is accepted, and will be delivered.",
        "erased" => "The payload is erased.",
        "revoked" => "The key is revoked, and its sessions have ended.",
        "session-revoked" => "The portal link is revoked.",
        "signed-out" => "You are signed out.",
        _ => return None,
    };
    Some(text.to_owned())
}
