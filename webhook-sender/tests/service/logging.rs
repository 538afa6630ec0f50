//! A log whose output is not read.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use test_support::Request;

use crate::publisher::Api;
use crate::receiver::Receiver;
use crate::sender::{SECRET, Setting, Store};

const EVENTS: usize = 200;

/// A kind of standard error.
struct Log {
    stderr: Stdio,
    /// The reader of a pipe, which exists and does not read.
    reader: Option<std::io::PipeReader>,
}

impl Log {
    /// Returns a full pipe that is not read.
    fn stuck() -> Self {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let stderr = writer.try_clone().expect("a pipe");
        // It is full soon, and then this thread waits until the reader is closed.
        std::thread::spawn(move || while writer.write_all(&[b'x'; 4096]).is_ok() {});
        Self {
            stderr: stderr.into(),
            reader: Some(reader),
        }
    }

    /// Returns a file on a full disk.
    fn full() -> Self {
        let file = std::fs::File::options().write(true).open("/dev/full");
        Self {
            stderr: file.expect("the device").into(),
            reader: None,
        }
    }

    /// Returns a pipe whose reader is closed.
    fn unread() -> Self {
        let (_, writer) = std::io::pipe().expect("a pipe");
        Self {
            stderr: writer.into(),
            reader: None,
        }
    }
}

/// Delivers events with this standard error, and stops.
async fn delivers_with(Log { stderr, reader }: Log) {
    let receiver = Receiver::start(Duration::ZERO).await;
    let setting = Setting::new(Store::Sqlite).await;
    let config = format!(
        "[delivery]\nallow_http = true\nallow_networks = [\"127.0.0.0/8\"]\nmax_in_flight = 4\n\
         [log]\nfilter = \"debug\"\n[[tenant]]\nid = \"acme\"\n[[tenant.endpoint]]\nid = \"orders\"\n\
         url = \"http://{}/hook\"\nevents = [\"*\"]\nsecret = \"{SECRET}\"\n",
        receiver.address
    );
    setting.configure("sender", &config);
    let sender = setting.start_with_log("sender", stderr);
    Api::of(&sender).publish(0..EVENTS).await;
    receiver.counts.reach(EVENTS).await;
    let metrics = Request::get(format!("{}/metrics", sender.api)).send().await;
    let dropped = metrics.text().lines().find_map(|line| {
        let count = line.strip_prefix("webhook_sender_log_lines_dropped_total ")?;
        count.parse::<u64>().ok()
    });
    // Lines that wait for the reader are dropped only if the buffer is full.
    let expected = if reader.is_some() {
        0
    } else {
        EVENTS as u64 / 2
    };
    assert!(dropped >= Some(expected), "{dropped:?}");
    let ended = sender.stop();
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    assert_eq!(receiver.counts.duplicates(), 0);
    drop(reader);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_whose_log_has_lost_its_reader_delivers_and_stops() {
    delivers_with(Log::unread()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_whose_log_is_on_a_full_disk_starts_and_delivers() {
    delivers_with(Log::full()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_whose_log_is_a_full_pipe_that_nobody_drains_delivers_and_stops() {
    delivers_with(Log::stuck()).await;
}
