//! `compose.yaml` without an engine: its services from the archives, as processes.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::process::{Server, root, run, scratch, text, yaml};
use crate::release::release;

/// The services of `compose.yaml` as processes of this machine: their commands and files with local
/// addresses.
struct Composed {
    compose: Value,
    state: PathBuf,
    /// Texts of the compose file and their local replacements.
    places: Vec<(&'static str, String)>,
}

impl Composed {
    fn new() -> Self {
        let apps = release().components().display().to_string();
        Self {
            compose: yaml("deploy/container/compose.yaml"),
            state: scratch("composed"),
            places: vec![
                ("/apps/", format!("{apps}/")),
                ("10.217.9.0/24", "127.0.0.0/8".into()),
            ],
        }
    }

    /// Returns a text of the compose file with local replacements and the defaults of variables.
    fn here(&self, text: &str) -> String {
        let default = text
            .strip_prefix("${")
            .and_then(|rest| rest.split_once(":-"))
            .and_then(|(_, rest)| rest.strip_suffix('}'));
        let text = default.unwrap_or(text);
        let replaced = |text: String, (there, here): &(&str, String)| text.replace(there, here);
        self.places.iter().fold(text.to_owned(), replaced)
    }

    fn variable(&self, service: &str, name: &str) -> String {
        let value = self.compose["services"][service]["environment"][name].as_str();
        self.here(value.expect("it is set"))
    }

    fn redis(&mut self) -> Server {
        // Another process is unlikely to take the port in the meantime.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("there is a free port").port();
        let words = self.compose["services"]["redis"]["command"].as_array();
        let words: Vec<&str> = words
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.state);
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        let server = Server::start_redis(&mut command, port);
        self.places.push(("redis://redis:6379", server.url.clone()));
        server
    }

    fn sender(&mut self) -> Server {
        let config = self.state.join("sender.toml");
        let given = self.here(&text("deploy/container/compose.sender.toml"));
        let given = given.replace("0.0.0.0:8080", "127.0.0.1:0");
        std::fs::write(&config, given).expect("target can be written to");
        let mut command = Command::new(release().binary("webhook-sender"));
        command.args(["run", "--config"]).arg(config);
        command.env("SENDER_TOKEN", self.variable("sender", "SENDER_TOKEN"));
        let server = Server::start(&mut command, "listening on ");
        self.places.push(("http://sender:8080", server.url.clone()));
        server
    }

    fn app(&mut self, name: &'static str, there: &'static str) -> Server {
        let mut command = Command::new(release().binary("spin-local"));
        command.args(["up", "--listen", "127.0.0.1:0", "--state-dir"]);
        command.arg(self.state.join(name));
        let service = &self.compose["services"][name];
        let words = service["command"].as_array().into_iter().flatten();
        command.args(words.filter_map(Value::as_str).map(|word| self.here(word)));
        let environment = service["environment"].as_object().into_iter().flatten();
        for (variable, value) in environment {
            command.env(variable, self.here(value.as_str().expect("a text")));
        }
        let server = Server::start(&mut command, "Serving ");
        self.places.push((there, server.url.clone()));
        server
    }

    fn verify(&self) -> String {
        let mut command = Command::new("sh");
        command.arg(root().join("deploy/container/verify.sh"));
        for name in [
            "PRODUCER",
            "CONSUMER",
            "SENDER",
            "API_TOKEN",
            "HANDSHAKE_TOKEN",
            "SENDER_TOKEN",
            "TENANT",
        ] {
            command.env(name, self.variable("verify", name));
        }
        run(&mut command)
    }
}

#[test]
fn the_services_of_compose_deliver_a_verified_webhook() {
    let mut composed = Composed::new();
    let _redis = composed.redis();
    let _sender = composed.sender();
    let _producer = composed.app("producer", "http://producer:3000");
    let _consumer = composed.app("consumer", "http://consumer:3000");
    let said = composed.verify();
    assert!(said.ends_with("the consumer has verified it\n"), "{said}");
    let log = composed
        .state
        .join("consumer/logs/webhook-consumer_stdout.txt");
    let log = std::fs::read_to_string(log).expect("the consumer has logged");
    assert!(log.contains("Payload verification result: true"), "{log}");
}
