//! A script with a line-based JSON interface.
//!
//! Its first line of output lists its references. Then each line of input is a request, and each line
//! of output the reply to it:
//!
//! ```json
//! {"do": "sign", "reference": "svix", "form": "v1", "secret": "whsec_…", "id": "…", "timestamp": 1, "body": "<base64>"}
//! {"headers": [["webhook-id", "…"], …]}
//! {"do": "verify", "reference": "svix", "form": "v1", "secret": "whsec_…", "headers": […], "body": "<base64>", "now": 1, "code": null}
//! {"accepted": true}
//! {"error": "…"}
//! ```

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running script. It ends when its standard input is closed, by dropping this value.
pub struct Process {
    name: &'static str,
    pub references: Vec<String>,
    channel: RefCell<Channel>,
}

struct Channel {
    // Dropped in this order: the process ends when its input is closed.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    child: Child,
}

impl Process {
    /// Starts the script, or returns the reason why it cannot be started.
    pub fn start(name: &'static str, command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{}`: {error}", command.get_program().display()))?;
        let mut channel = Channel {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().expect("standard output is piped")),
            child,
        };
        let references = serde_json::from_value(channel.read(name)).expect("a list of names");
        Ok(Self {
            name,
            references,
            channel: RefCell::new(channel),
        })
    }

    /// Sends a request and returns the reply.
    ///
    /// # Panics
    /// Panics if the reply is an error, or missing.
    pub fn call(&self, request: &Value) -> Value {
        let mut channel = self.channel.borrow_mut();
        let input = channel.input.as_mut().expect("the input is open");
        writeln!(input, "{request}").unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let reply = channel.read(self.name);
        let error = &reply["error"];
        assert!(error.is_null(), "{} failed: {error}", self.name);
        reply
    }
}

impl Channel {
    fn read(&mut self, name: &str) -> Value {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        assert!(matches!(read, Ok(1..)), "{name} ended without a reply");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{name} replied with `{line}`"))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
