//! The consumers in other languages, built from this tree.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};
use test_support::{App, Reply, Request, Running, Runtime, components};
use tokio::sync::OnceCell;

use crate::signing::Headers;

/// A consumer in `examples/`.
pub struct Example {
    /// The name of its folder and its component.
    pub name: &'static str,
    /// A file that exists if its tools are installed.
    tool: &'static str,
    built: OnceLock<()>,
    compiled: OnceCell<()>,
}

static EXAMPLES: [Example; 2] = [
    Example::new("consumer-python", "python/installed.txt"),
    Example::new("consumer-javascript", "javascript/installed.json"),
];

/// The table in which the consumers store ids.
const IDS: &str = "CREATE TABLE webhook_ids (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, \
     until INTEGER NOT NULL, done INTEGER NOT NULL)";

/// Builds and returns every consumer whose tools are installed.
///
/// # Panics
/// Panics with `CI=true` in the environment if tools are missing.
pub fn all() -> Vec<&'static Example> {
    let installed = |example: &&Example| example.is_installed();
    let (installed, missing): (Vec<_>, Vec<_>) = EXAMPLES.iter().partition(installed);
    for Example { name, .. } in missing {
        let line = format!("{name} skipped; `make setup-examples` installs its tools");
        assert!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{line}");
        report(&line);
    }
    installed.iter().for_each(|example| example.build());
    installed
}

/// Returns the consumer with this name, if its tools are installed.
pub fn named(name: &str) -> Option<&'static Example> {
    all().into_iter().find(|example| example.name == name)
}

/// Writes to standard error directly, because the test harness hides the output of passing tests.
fn report(line: &str) {
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

    fn is_installed(&self) -> bool {
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
                "building {} failed:\n{errors}",
                self.name
            );
        });
    }

    /// Returns the folder of its manifest.
    pub fn folder(&self) -> PathBuf {
        components::root().join("examples").join(self.name)
    }

    /// Returns the app with these variables, each in the form `name=value`. Any caller may set a key,
    /// in any scheme, as with `make start-consumer`.
    pub fn app(&self, variables: &[&str]) -> App {
        let open = ["open_handshake=true", "weakest_scheme=plain"];
        let options = open
            .iter()
            .chain(variables)
            .flat_map(|variable| ["--variable", variable]);
        self.as_delivered().args(options)
    }

    /// Returns the app with the defaults of its manifest.
    pub fn as_delivered(&self) -> App {
        App::from(self.folder())
    }

    /// Starts the app with these variables.
    pub async fn start(&self, variables: &[&str]) -> Consumer {
        self.start_as(self.app(variables)).await
    }

    /// Starts the app with a table of ids, after running `statements` on it.
    pub async fn start_with_ids(&self, statements: &str) -> Consumer {
        let app = self.app(&[]);
        let file = app.file("ids.sql", &format!("{IDS}; {statements}"));
        self.start_as(app.args(["--sqlite".to_owned(), format!("@{}", file.display())]))
            .await
    }

    /// Starts the app.
    pub async fn start_as(&self, app: App) -> Consumer {
        self.compile().await;
        Consumer(app.start(&Runtime::spin_local()).await)
    }

    /// Compiles the component once, which takes a while and is cached: concurrent tests would
    /// otherwise all compile it.
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

    /// Returns the number of payloads that it has processed.
    pub fn processed(&self, example: &Example) -> usize {
        self.0
            .log(example.name)
            .matches("CONSUMER: payload ")
            .count()
    }
}

/// Returns the status, and the code of the problem document.
pub fn outcome(reply: &Reply) -> (u16, String) {
    let document: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let code = document["code"].as_str().unwrap_or_default();
    (reply.status, code.to_owned())
}
