//! The output of a process so far.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::with_timeout;

/// An output stream that is collected while the process runs.
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

    /// Returns the text so far.
    pub(crate) fn text(&self) -> String {
        self.text.borrow().clone()
    }

    /// Waits until `find` finds something. Returns `None` if the stream ends first.
    pub(crate) async fn wait_for<T>(&self, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let mut text = self.text.clone();
        let waiting = async {
            loop {
                let found = find(&text.borrow_and_update());
                if found.is_some() {
                    return found;
                }
                if text.changed().await.is_err() {
                    let last = find(&text.borrow());
                    return last;
                }
            }
        };
        with_timeout(waiting, || format!("a line; so far:\n{}", self.text())).await
    }

    /// Waits for the end of the stream, and returns the whole text.
    pub(crate) async fn finish(self) -> String {
        self.reading.await.expect("the reader does not panic");
        self.text.borrow().clone()
    }
}
