//! What a process has written to one of its streams so far.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::within_patience;

/// Collects a stream while the process runs.
pub(crate) struct Output {
    text: watch::Receiver<String>,
    reading: JoinHandle<()>,
}

impl Output {
    pub(crate) fn collect(mut stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, text) = watch::channel(String::new());
        let reading = tokio::spawn(async move {
            let mut bytes = Vec::new();
            while let Ok(1..) = stream.read_buf(&mut bytes).await {
                sender.send_modify(|text| *text = String::from_utf8_lossy(&bytes).into_owned());
            }
        });
        Self { text, reading }
    }

    /// The text so far.
    pub(crate) fn text(&self) -> String {
        self.text.borrow().clone()
    }

    /// Waits until `done` finds what it looks for. `None` when the stream ends before.
    pub(crate) async fn wait_for<T>(&self, mut done: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut text = self.text.clone();
        let waiting = async {
            loop {
                let found = done(&text.borrow_and_update());
                if found.is_some() {
                    return found;
                }
                if text.changed().await.is_err() {
                    let last = done(&text.borrow());
                    return last;
                }
            }
        };
        within_patience(waiting, || format!("a line; so far:\n{}", self.text())).await
    }

    /// The whole text, once the stream has ended.
    pub(crate) async fn finish(self) -> String {
        self.reading.await.expect("the reader does not panic");
        self.text.borrow().clone()
    }
}
