//! The Redis stream that the sender reads.

use problem_details::Problem;
use url::Url;

use super::tenant::tenant;
use crate::config::variable;
use crate::event::Event;
use crate::event_id::EventId;
use crate::outside::{Log, Stream, Variables};
use crate::problems;

/// Where events are written. There is no `Debug`: the address may hold a password.
pub struct Queue {
    address: String,
    name: String,
    tenant: String,
}

impl Queue {
    /// Reads the variables; `None` where `stream_url` is empty.
    pub fn load(outside: &(impl Variables + Log)) -> Result<Option<Self>, Problem> {
        let address = variable(outside, "stream_url")?;
        if address.is_empty() {
            return Ok(None);
        }
        let is_redis = |url: &Url| matches!(url.scheme(), "redis" | "rediss") && url.has_host();
        if !Url::parse(&address).is_ok_and(|url| is_redis(&url)) {
            // The value is not shown: it may hold a password.
            let reason = "it is not a URL of the form `redis://host:port`";
            return Err(problems::bad_configuration("stream_url", reason));
        }
        let name = variable(outside, "stream_name")?;
        if name.is_empty() {
            return Err(problems::bad_configuration("stream_name", "it is empty"));
        }
        let tenant = tenant(outside, "stream_url")?;
        Ok(Some(Self {
            address,
            name,
            tenant,
        }))
    }

    /// Appends an event; it is on the stream when this returns.
    ///
    /// # Errors
    ///
    /// 400 for a name that the sender does not take, 503 when the stream does not answer.
    pub fn append(
        &self,
        outside: &(impl Stream + Log),
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
        let appended = outside.append(&self.address, &self.name, &fields);
        appended.map_err(|reason| unavailable(outside, &reason))
    }

    /// Fails where the server does not answer.
    pub fn check(&self, outside: &(impl Stream + Log)) -> Result<(), Problem> {
        let answered = outside.ping(&self.address);
        answered.map_err(|reason| unavailable(outside, &reason))
    }
}

/// What the sender would put among its dead letters is refused here, where somebody is told.
fn check(event: &Event) -> Result<(), Problem> {
    let name = event.as_str();
    let segments = name.split('.').all(|segment| !segment.is_empty());
    let visible = name.bytes().all(|byte| byte.is_ascii_graphic());
    let own = name.split('.').next() == Some("operational");
    match segments && visible && !own {
        true => Ok(()),
        false => Err(problems::bad_event(
            "on a stream an event's name is visible ASCII in segments between full stops, \
             and the segment `operational` in front is the sender's own",
        )),
    }
}

fn unavailable(outside: &impl Log, reason: &str) -> Problem {
    outside.log(&format!("PRODUCER: The stream failed: {reason}"));
    problems::stream_unavailable()
}
