//! A sender with sample data, for looking at its pages: `make pages`.
//!
//! `pages SENDER` fills a store with the deliveries of a simulated day, starts receivers and the sender,
//! prints the address and the key of its pages, and keeps publishing events until it is interrupted.

mod day;
mod sample;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sample::{KEY, TENANTS};
use test_support::{Behaviour, Receiver, Request};

#[tokio::main]
async fn main() {
    let sender = std::env::args().nth(1).expect("usage: pages SENDER");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let receiver = receivers().await;
    let file = folder.path().join("sender.toml");
    std::fs::write(&file, sample::configuration(&receiver)).expect("a file");
    let store = folder.path().join("sender.db");
    let count = day::simulate(&file, &store, &receiver).await;
    let (mut child, address) = start(&sender, folder.path());
    let text = format!(
        "{count} deliveries of the last 24 hours are stored.\n\n  pages  {address}/ui/\n  key    {KEY}\n\n\
         Press Ctrl-C to stop.\n"
    );
    // Without a terminal, the sender serves all the same.
    let _ = std::io::stdout().write_all(text.as_bytes());
    tokio::select! {
        () = keep_publishing(&address) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Starts a receiver whose paths succeed, fail or never respond.
async fn receivers() -> Receiver {
    let receiver = Receiver::start().await;
    let html = "<!doctype html><title>Oops</title><h1>Internal error</h1><script>alert(1)</script>";
    let fails = Behaviour::status(500)
        .header("content-type", "text/html")
        .body(html);
    receiver.on("/fails", fails);
    receiver.on("/hangs", Behaviour::hang());
    receiver
}

fn start(sender: &str, folder: &Path) -> (Child, String) {
    let log = std::fs::File::create(folder.join("log")).expect("a file");
    let mut child = Command::new(sender)
        .args(["run", "--config"])
        .arg(folder.join("sender.toml"))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the sender can be started");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its output");
    let read = BufReader::new(stdout).read_line(&mut line);
    let address = line.trim().strip_prefix("listening on ");
    match (read, address) {
        (Ok(_), Some(address)) => (child, address.to_owned()),
        _ => {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("the sender did not start: {log}");
        }
    }
}

/// Publishes an event every few seconds, so that the live view has something to show.
async fn keep_publishing(address: &str) {
    let mut ticks = tokio::time::interval(Duration::from_secs(3));
    for number in 0.. {
        ticks.tick().await;
        let tenant = TENANTS[number % TENANTS.len()];
        let body = sample::event(number);
        let url = format!("{address}/v1/tenants/{tenant}/events");
        let request = Request::post(url).header("authorization", format!("Bearer {KEY}"));
        let _ = request.json(body.to_string()).try_send().await;
    }
}
