//! The configuration files of senders.

use std::fmt::Write;
use std::time::Duration;

/// The secret of every endpoint.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The endpoint whose receiver is healthy in every cell.
pub const HEALTHY: &str = "orders";

/// The endpoint whose URL has a host name.
pub const NAMED: &str = "named";

/// The endpoint whose receiver is hostile.
pub const HOSTILE: &str = "hostile";

pub const TENANT: &str = "acme";
pub const STREAM: &str = "events";
pub const GROUP: &str = "webhook-sender";

/// The lease, short so that cells are short.
pub const LEASE: Duration = Duration::from_secs(3);
pub const TIMEOUT: Duration = Duration::from_millis(1500);

/// The maximum number of deliveries in flight.
pub const PLACES: usize = 64;

/// The largest body of an event.
pub const MAX_BODY: usize = 8 << 20;

/// The configuration of a sender.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The URL of the store. `None` selects a file beside the configuration.
    pub store: String,
    /// The URL of a stream's server.
    pub stream: Option<String>,
    pub endpoints: Vec<Endpoint>,
    /// The number of endpoints that no event matches, before the others.
    pub fillers: usize,
    /// Set to use the default lease and timeout, so that a file without them is valid.
    pub default_times: bool,
}

/// An endpoint that receives every event.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub id: &'static str,
    pub url: String,
}

impl Config {
    /// Returns the text of the file for the sender `name`.
    pub fn text(&self, name: &str) -> String {
        let mut text = format!("name = \"{name}\"\n[store]\nurl = \"{}\"\n", self.store);
        if let Some(url) = &self.stream {
            let _ = writeln!(
                text,
                "[[source]]\nname = \"{STREAM}\"\nurl = \"{url}\"\nstream = \"{STREAM}\"\ngroup = \"{GROUP}\"\n\
                 claim_after = \"{}ms\"",
                LEASE.as_millis()
            );
        }
        text.push_str("[api]\nlisten = \"127.0.0.1:0\"\n");
        text.push_str(&self.delivery());
        let endpoints = self.fillers + self.endpoints.len();
        let _ = writeln!(text, "[limits]\nendpoints = {endpoints}");
        let _ = writeln!(text, "[[tenant]]\nid = \"{TENANT}\"");
        for number in 0..self.fillers {
            let id = format!("filler-{number}");
            let url = format!("http://127.0.0.1:9/{id}");
            endpoint(&mut text, &id, &url, &format!("never.{number}"));
        }
        for Endpoint { id, url } in &self.endpoints {
            endpoint(&mut text, id, url, "*");
        }
        text
    }

    fn delivery(&self) -> String {
        // The maximum number of attempts: no delivery becomes a dead letter during a fault of seconds.
        let schedule = vec!["\"400ms\""; 63].join(", ");
        let (timeout, lease) = (TIMEOUT.as_millis(), LEASE.as_millis());
        let times = if self.default_times {
            String::new()
        } else {
            format!("timeout = \"{timeout}ms\"\nlease = \"{lease}ms\"\n")
        };
        format!(
            "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n{times}\
             places = {PLACES}\nmax_body = \"{}MiB\"\n\
             [retry.default]\nschedule = [\"0s\", {schedule}]\n",
            MAX_BODY >> 20,
        )
    }
}

fn endpoint(text: &mut String, id: &str, url: &str, events: &str) {
    let _ = writeln!(
        text,
        "[[tenant.endpoint]]\nid = \"{id}\"\nurl = \"{url}\"\nevents = [\"{events}\"]\n\
         secret = \"{SECRET}\""
    );
}
