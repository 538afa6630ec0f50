//! A sender and its file descriptors.

use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use test_support::{Request, with_timeout};

use crate::sender::{SECRET, SENDER, Sender, Setting, Store};

/// Starts the sender under limits that `ulimit` sets.
fn start_under(setting: &Setting, limits: &str) -> Sender {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limits} && exec \"$0\" \"$@\""), SENDER]);
    setting.start_by("sender", command)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_descriptors_is_raised_to_the_highest_that_is_allowed() {
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", "");
    let sender = start_under(&setting, "ulimit -Sn 256 && ulimit -Hn 900");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", sender.id()));
    let limits = limits.expect("it runs");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let files: Vec<_> = files.expect("a limit").split_whitespace().collect();
    assert_eq!(&files[3..5], ["900", "900"]);
    sender.logged("file descriptors").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_that_hang_leave_descriptors_for_the_api() {
    // They accept into their backlogs and never respond.
    let hanging = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let endpoints: String = hanging
        .iter()
        .enumerate()
        .map(|(number, listener)| {
            let address = listener.local_addr().expect("an address");
            format!(
                "[[tenant.endpoint]]\nid = \"e{number}\"\nurl = \"http://{address}/\"\n\
                 events = [\"*\"]\nsecret = \"{SECRET}\"\n"
            )
        })
        .collect();
    let setting = Setting::new(Store::Sqlite).await;
    let delivery = "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\n";
    let tenant = "[[tenant]]\nid = \"acme\"\n";
    setting.configure("sender", &format!("{delivery}{tenant}{endpoints}"));
    let sender = start_under(&setting, "ulimit -n 256");
    sender.logged("delivery.places is bounded").await;
    let events = setting.folder().join("events.jsonl");
    let lines = r#"{"type": "order.shipped", "data": 1}"#.to_owned() + "\n";
    std::fs::write(&events, lines.repeat(200)).expect("a file");
    let file = events.to_str().expect("UTF-8");
    let published = sender.command(&["publish", "--tenant", "acme", "--file", file]);
    assert!(published.status.success(), "{published:?}");

    // Of 256 descriptors, 64 are reserved for all but receivers, and 64 for idle connections. Of the 128
    // permits, three endpoints that hang hold three quarters.
    let crowded = async {
        while connections(&sender) < 90 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    with_timeout(crowded, || format!("{} connections", connections(&sender))).await;
    for path in ["healthz", "readyz", "metrics"] {
        let asked = Request::get(format!("{}/{path}", sender.api)).send();
        let reply = with_timeout(asked, || format!("{path}\n{}", sender.log())).await;
        assert_eq!(reply.status, 200, "{path}");
    }
    drop(hanging);
}

/// Returns the number of open sockets of the sender.
fn connections(sender: &Sender) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", sender.id())).expect("it runs");
    let links = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links
        .filter(|link| link.to_string_lossy().starts_with("socket:"))
        .count()
}
