//! A running `webhook-sender` that reads events from a Redis stream.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use test_support::{Request, components, with_timeout};

pub const TOKEN: &str = "a-token-that-nobody-guesses";
pub const TENANT: &str = "shop";

pub struct Sender {
    child: Child,
    pub api: String,
}

impl Sender {
    /// Starts a sender with its store in `folder`, reading the stream of the server at `redis`.
    pub fn start(folder: &Path, redis: &str) -> Self {
        let config = format!(
            "[store]\nurl = \"sqlite://{}\"\n[[source]]\nname = \"events\"\nurl = \"{redis}\"\n\
             [api]\nlisten = \"127.0.0.1:0\"\ntoken = \"{TOKEN}\"\n\
             [delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n",
            folder.join("sender.db").display()
        );
        let file = folder.join("sender.toml");
        std::fs::write(&file, config).expect("the folder can be written to");
        let mut child = Command::new(components::webhook_sender())
            .arg("run")
            .arg("--config")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sender can be started");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("standard output is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("its first line");
        let api = line.trim().strip_prefix("listening on ");
        let api = api.unwrap_or_else(|| panic!("the sender did not start: {line}"));
        Self {
            child,
            api: api.to_owned(),
        }
    }

    /// Waits until `count` deliveries of `event` have succeeded.
    pub async fn succeeded(&self, event: &str, count: usize) {
        let path = format!("/v1/tenants/{TENANT}/deliveries?event={event}&state=succeeded");
        let all = async {
            loop {
                let page = self.get(&path).await;
                if page["items"].as_array().map_or(0, Vec::len) == count {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        with_timeout(all, || format!("{count} of {path}")).await;
    }

    /// Returns the URLs of the tenant's endpoints.
    pub async fn urls(&self) -> Vec<String> {
        let page = self.get(&format!("/v1/tenants/{TENANT}/endpoints")).await;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let url = |item: &serde_json::Value| item["url"].as_str().map(str::to_owned);
        items.iter().filter_map(url).collect()
    }

    async fn get(&self, path: &str) -> serde_json::Value {
        Request::get(format!("{}{path}", self.api))
            .header("authorization", format!("Bearer {TOKEN}"))
            .send()
            .await
            .json()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
