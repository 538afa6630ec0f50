//! A running sender whose file is emptied or truncated.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use test_support::{Request, with_timeout};

use crate::sender::{SECRET, Sender, Setting, Store};

const ENDPOINT: &str = "[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
                        url = \"https://example.com/hook\"\nevents = [\"*\"]\n";

async fn endpoints(sender: &Sender) -> usize {
    let url = format!("{}/v1/tenants/acme/endpoints", sender.api);
    let listed = Request::get(url).send().await.json();
    listed["items"].as_array().map_or(0, Vec::len)
}

async fn read_again(sender: &Sender, text: &str) -> Value {
    sender.signal("HUP");
    let said = async {
        loop {
            let log = sender.log();
            let line = log.lines().find(|line| line.contains(text));
            if let Some(line) = line {
                return serde_json::from_str(line).expect("a line of JSON");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    with_timeout(said, || sender.log()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_file_removes_nothing_until_the_removal_is_confirmed() {
    for store in [Store::Sqlite, Store::Redis, Store::Postgres] {
        let setting = Setting::new(store).await;
        let declared = format!("{ENDPOINT}secret = \"{SECRET}\"\n");
        setting.configure("sender", &declared);
        let sender = setting.start("sender");
        assert_eq!(endpoints(&sender).await, 1);

        setting.configure("sender", "");
        let line = read_again(&sender, "configuration not applied").await;
        assert_eq!(line["level"], "ERROR");
        let error = line["error"].as_str().expect("a text");
        assert!(error.contains("remove 1 of the 1"), "{error}");
        assert!(error.contains("`confirm_removal = 1`"), "{error}");
        assert_eq!(endpoints(&sender).await, 1);
        assert!(sender.stop().success());

        // The same holds for a start with the same store.
        let refused = Command::new(env!("CARGO_BIN_EXE_webhook-sender"))
            .args(["run", "--config", "sender.toml"])
            .current_dir(setting.folder())
            .output()
            .expect("it can be run");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("`confirm_removal = 1`"), "{said}");

        setting.configure("sender", &declared);
        let sender = setting.start("sender");
        assert_eq!(endpoints(&sender).await, 1);
        let file = setting.configure("sender", "");
        let text = std::fs::read_to_string(&file).expect("the file");
        std::fs::write(&file, format!("confirm_removal = 1\n{text}")).expect("the file");
        read_again(&sender, "configuration applied").await;
        assert_eq!(endpoints(&sender).await, 0);
    }
}
