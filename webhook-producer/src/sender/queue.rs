//! The Redis stream that the sender reads.

use problem_details::Problem;
use url::Url;

use super::tenant::tenant;
use crate::config::variable;
use crate::event::Event;
use crate::event_id::EventId;
use crate::platform::{Log, Stream, Variables};
use crate::problems;

/// The stream that events are written to. It has no `Debug`, because the address may contain a
/// password.
pub struct Queue {
    address: String,
    name: String,
    tenant: String,
}

impl Queue {
    /// Reads the variables; returns `None` if `stream_url` is empty.
    pub fn load(platform: &(impl Variables + Log)) -> Result<Option<Self>, Problem> {
        let address = variable(platform, "stream_url")?;
        if address.is_empty() {
            return Ok(None);
        }
        let is_redis = |url: &Url| matches!(url.scheme(), "redis" | "rediss") && url.has_host();
        if !Url::parse(&address).is_ok_and(|url| is_redis(&url)) {
            // The value is not shown: it may contain a password.
            let reason = "it is not a URL of the form `redis://host:port`";
            return Err(problems::bad_configuration("stream_url", reason));
        }
        let name = variable(platform, "stream_name")?;
        if name.is_empty() {
            return Err(problems::bad_configuration("stream_name", "it is empty"));
        }
        let tenant = tenant(platform, "stream_url")?;
        Ok(Some(Self {
            address,
            name,
            tenant,
        }))
    }

    /// Appends an event, and returns when it is on the stream.
    ///
    /// # Errors
    ///
    /// Returns 400 for a name that the sender does not accept, and 503 if the stream is unavailable.
    pub fn append(
        &self,
        platform: &(impl Stream + Log),
        id: &EventId,
        event: &Event,
        data: &[u8],
    ) -> Result<(), Problem> {
        check(event)?;
        let fields = [
            ("tenant", self.tenant.as_bytes()),
            ("type", event.as_str().as_bytes()),
            ("id", id.as_str().as_bytes()),
            ("data", data),
        ];
        let appended = platform.append(&self.address, &self.name, &fields);
        appended.map_err(|reason| unavailable(platform, &reason))
    }

    /// Checks that the server responds.
    pub fn check(&self, platform: &(impl Stream + Log)) -> Result<(), Problem> {
        let replied = platform.ping(&self.address);
        replied.map_err(|reason| unavailable(platform, &reason))
    }
}

/// Rejects a name that the sender would move to the dead letters, so that the caller sees the error.
fn check(event: &Event) -> Result<(), Problem> {
    let name = event.as_str();
    let segments = name.split('.').all(|segment| !segment.is_empty());
    let visible = name.bytes().all(|byte| byte.is_ascii_graphic());
    let reserved = name.split('.').next() == Some("operational");
    if segments && visible && !reserved {
        Ok(())
    } else {
        Err(problems::bad_event(
            "on a stream, an event's name is visible ASCII in segments between full stops, \
             and the first segment `operational` is reserved for the sender",
        ))
    }
}

fn unavailable(platform: &impl Log, reason: &str) -> Problem {
    platform.log(&format!("PRODUCER: The stream failed: {reason}"));
    problems::stream_unavailable()
}
