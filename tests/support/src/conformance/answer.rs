//! The response of a consumer.

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The `code` of a problem document.
    pub code: Option<String>,
}

impl Answer {
    pub fn of(reply: &str) -> Self {
        let status = reply
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let (_, body) = reply.split_once("\r\n\r\n").unwrap_or_default();
        Self {
            status: status.unwrap_or_else(|| panic!("no status in: {reply}")),
            code: code(body),
        }
    }
}

/// Of the document between the outermost braces, so that a body in chunks is read too.
fn code(body: &str) -> Option<String> {
    let document = body.get(body.find('{')?..=body.rfind('}')?)?;
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    document["code"].as_str().map(str::to_owned)
}
