//! Outputs that are not read: they end a command, and never keep a process from its signals.

use std::io::{PipeReader, Read, Write};
use std::process::Stdio;

use serde_json::json;
use test_support::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::process::{Process, RUN, Silent};
use crate::sender::{SECRET, Setting, Store};

/// Returns an output that is not read.
fn unread() -> Stdio {
    let (reader, writer): (PipeReader, _) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Returns a full pipe, and its reader, which does not read.
fn stuck() -> (Stdio, PipeReader) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let output = writer.try_clone().expect("a pipe");
    // It is full soon, and then this thread waits until the reader is closed.
    std::thread::spawn(move || while writer.write_all(&[b'x'; 4096]).is_ok() {});
    (output.into(), reader)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_whose_output_is_a_full_pipe_reloads_and_stops_when_it_is_told_to() {
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", "");
    let (output, reader) = stuck();
    let process = Process::start_with(setting.folder(), &RUN, output);
    process.says("starting").await;
    process.signal("HUP");
    process.says("configuration applied").await;
    process.ends_well_at("TERM").await;
    drop(reader);
}

/// Responds to the next request with this list.
async fn responds(sender: &Silent, items: &serde_json::Value) -> tokio::net::TcpStream {
    let mut connection = sender.called().await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.expect("a request"));
    }
    let body = json!({ "items": items }).to_string();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let sent = connection.write_all((head + &body).as_bytes()).await;
    sent.expect("it reads");
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_output_is_not_read_on_stops_when_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    // Several times the capacity of a pipe.
    let tenants: Vec<_> = (0..20_000)
        .map(|number| json!({ "id": format!("tenant-{number}") }))
        .collect();
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let sender = Silent::new().await;
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let arguments = ["tenants", "--api", &sender.url()];
        let mut process = Process::start_with(folder.path(), &arguments, writer.into());
        let _held = responds(&sender, &tenants.clone().into()).await;
        // It has begun to write, and cannot end.
        let mut byte = [0];
        reader.read_exact(&mut byte).expect("its output");
        process.signal(signal);
        assert_eq!(process.ended().await.code(), Some(code), "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_whose_output_nobody_reads_ends_quietly() {
    let setting = Setting::new(Store::Sqlite).await;
    setting.configure("sender", "");
    let sender = setting.start("sender");
    std::fs::write(setting.folder().join("body"), "{}").expect("a file");
    for command in [
        &["tenants", "add", "acme", "--api", &sender.api][..],
        &["check", "--config", "sender.toml"],
        &["sign", "--secret", SECRET, "body"],
    ] {
        let mut process = Process::start_with(setting.folder(), command, unread());
        assert_eq!(process.ended().await.code(), Some(141), "{command:?}");
        assert_eq!(process.log(), "", "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_whose_output_nobody_reads_ends_quietly() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["listen", "--secret", SECRET, "--listen", "127.0.0.1:0"];
    let mut process = Process::start_with(folder.path(), &arguments, unread());
    // The line break shows that the address is complete.
    process.says("\n").await;
    let log = process.log();
    let url = log.trim().strip_prefix("listening on ").expect("its URL");
    // It ends while it responds, or right after that.
    let _ = tokio::spawn(Request::post(url).json("{}").send()).await;
    assert_eq!(process.ended().await.code(), Some(141));
    assert_eq!(process.log(), log);
}
