//! The consumers in other languages, built from the tree as it stands.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use test_support::{App, Reply, Request, Running, Runtime, components};
use tokio::sync::OnceCell;

use crate::signing::Headers;

/// A consumer of `examples/`.
pub struct Example {
    /// Its folder and its component.
    pub name: &'static str,
    /// A file that its tools are installed with.
    tool: &'static str,
    built: OnceLock<()>,
    compiled: OnceCell<()>,
}

static EXAMPLES: [Example; 2] = [
    Example::new("consumer-python", "python/installed.txt"),
    Example::new("consumer-javascript", "javascript/installed.json"),
];

/// The table in which the consumers keep the ids they saw.
const IDS: &str = "CREATE TABLE webhook_ids (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, \
     until INTEGER NOT NULL, done INTEGER NOT NULL)";

/// Every consumer whose tools are here, built.
///
/// # Panics
/// With `CI=true` in the environment, when tools are missing.
pub fn all() -> Vec<&'static Example> {
    let (here, missing): (Vec<_>, Vec<_>) = EXAMPLES.iter().partition(|example| example.is_here());
    for Example { name, .. } in missing {
        let told = format!("left out: {name}. `make setup-examples` installs what builds it");
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{told}");
        tell(&told);
    }
    here.iter().for_each(|example| example.build());
    here
}

/// The consumer of this name, if its tools are here.
pub fn named(name: &str) -> Option<&'static Example> {
    all().into_iter().find(|example| example.name == name)
}

/// Past the capture of the test's own output, so that it is seen where the test passes.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Example {
    const fn new(name: &'static str, tool: &'static str) -> Self {
        Self {
            name,
            tool,
            built: OnceLock::new(),
            compiled: OnceCell::const_new(),
        }
    }

    fn is_here(&self) -> bool {
        let tools = components::root().join("target/examples");
        tools.join(self.tool).is_file()
    }

    fn build(&self) {
        self.built.get_or_init(|| {
            components::hmac();
            let output = Command::new("sh")
                .arg(self.folder().join("build.sh"))
                .output()
                .expect("`sh` can be run");
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{} is not built:\n{errors}",
                self.name
            );
        });
    }

    /// Where its manifest is.
    pub fn folder(&self) -> PathBuf {
        components::root().join("examples").join(self.name)
    }

    /// It with these variables, each `name=value`. Any caller may bring a key, by any scheme, as
    /// `make start-consumer` has it.
    pub fn app(&self, variables: &[&str]) -> App {
        let open = ["open_handshake=true", "weakest_scheme=plain"];
        let options = open
            .iter()
            .chain(variables)
            .flat_map(|variable| ["--variable", variable]);
        self.as_delivered().args(options)
    }

    /// It as its manifest has it.
    pub fn as_delivered(&self) -> App {
        App::from(self.folder())
    }

    /// Runs it with these variables.
    pub async fn start(&self, variables: &[&str]) -> Consumer {
        self.start_as(self.app(variables)).await
    }

    /// Runs it with a table of ids, and what `statements` make of it, before its first request.
    pub async fn start_with_ids(&self, statements: &str) -> Consumer {
        let prepared = format!("{IDS}; {statements}");
        self.start_as(self.app(&[]).args(["--sqlite", &prepared]))
            .await
    }

    /// Runs it.
    pub async fn start_as(&self, app: App) -> Consumer {
        self.compile().await;
        Consumer(app.start(&Runtime::spin_local()).await)
    }

    /// Machine code of these components takes a while to make, and is then kept: tests that start
    /// at once would each make it.
    async fn compile(&self) {
        let start = || async {
            self.app(&[])
                .start(&Runtime::spin_local())
                .await
                .stop()
                .await;
        };
        self.compiled.get_or_init(start).await;
    }
}

/// A running consumer.
pub struct Consumer(pub Running);

impl Consumer {
    pub async fn try_handshake(&self, query: &str, body: impl Into<Vec<u8>>) -> Reply {
        let url = self.0.url(&format!("/target?handshake=true{query}"));
        Request::post(url).json(body.into()).send().await
    }

    pub async fn handshake(&self, key: &str) {
        let body = json!({ "keyData": key }).to_string();
        let reply = self.try_handshake("", body).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    pub async fn deliver(&self, body: &[u8], headers: &Headers) -> Reply {
        let request = Request::post(self.0.url("/target")).body(body.to_vec());
        let with = |request: Request, (name, value): &(&str, String)| request.header(name, value);
        headers.iter().fold(request, with).send().await
    }

    /// How many payloads it has processed.
    pub fn processed(&self, example: &Example) -> usize {
        self.0
            .log(example.name)
            .matches("CONSUMER: payload ")
            .count()
    }
}

/// The status, and the code of the problem document.
pub fn outcome(reply: &Reply) -> (u16, String) {
    let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let code = document["code"].as_str().unwrap_or_default();
    (reply.status, code.to_owned())
}
