//! A script that is asked in lines of JSON.
//!
//! Its first line out is a list of the judges it has. Then each line in is a question, and each
//! line out the answer to it:
//!
//! ```json
//! {"do": "sign", "judge": "svix", "form": "v1", "secret": "whsec_…", "id": "…", "timestamp": 1, "body": "<base64>"}
//! {"headers": [["webhook-id", "…"], …]}
//! {"do": "verify", "judge": "svix", "form": "v1", "secret": "whsec_…", "headers": […], "body": "<base64>", "now": 1, "code": null}
//! {"accepted": true}
//! {"error": "…"}
//! ```

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The running script. It ends when its standard input does, with this value.
pub struct Process {
    name: &'static str,
    pub judges: Vec<String>,
    channel: RefCell<Channel>,
}

struct Channel {
    // In the order in which they are dropped: the process ends because its input does.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    child: Child,
}

impl Process {
    /// Runs it, or says why that cannot be.
    pub fn start(name: &'static str, command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`{}`: {error}", command.get_program().display()))?;
        let mut channel = Channel {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().expect("it is piped")),
            child,
        };
        let judges = serde_json::from_value(channel.read(name)).expect("a list of names");
        Ok(Self {
            name,
            judges,
            channel: RefCell::new(channel),
        })
    }

    /// Asks, and gives the answer.
    ///
    /// # Panics
    /// When the answer is an error, or none.
    pub fn ask(&self, question: &Value) -> Value {
        let mut channel = self.channel.borrow_mut();
        let input = channel.input.as_mut().expect("it is open until the end");
        writeln!(input, "{question}").unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let answer = channel.read(self.name);
        let error = &answer["error"];
        assert!(error.is_null(), "{} has failed: {error}", self.name);
        answer
    }
}

impl Channel {
    fn read(&mut self, name: &str) -> Value {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        assert!(
            matches!(read, Ok(1..)),
            "{name} has ended without an answer"
        );
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{name} has answered `{line}`"))
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}
