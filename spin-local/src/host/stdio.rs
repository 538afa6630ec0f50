//! What guests print: appended to the component's file under `logs/` and shown on the terminal.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use anyhow::Context;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// The two streams of one component.
pub(crate) struct Logs {
    pub(crate) stdout: Log,
    pub(crate) stderr: Log,
}

impl Logs {
    /// Opens `<component>_stdout.txt` and `<component>_stderr.txt` in `directory`, keeping what
    /// earlier runs wrote. With `quiet` the terminal shows nothing of them.
    pub(crate) fn open(directory: &Path, component: &str, quiet: bool) -> anyhow::Result<Self> {
        let log = |stream: &str| -> anyhow::Result<Log> {
            let path = directory.join(format!("{component}_{stream}.txt"));
            let file = File::options().create(true).append(true).open(&path);
            let file = file.with_context(|| format!("cannot open the log `{}`", path.display()))?;
            let file = Arc::new(file);
            Ok(Log { file, quiet })
        };
        Ok(Self {
            stdout: log("stdout")?,
            stderr: log("stderr")?,
        })
    }
}

/// One stream of a component. Writes go out at once and whole, so that lines of concurrent
/// requests do not mix and nothing is lost when a guest traps.
#[derive(Clone)]
pub(crate) struct Log {
    file: Arc<File>,
    quiet: bool,
}

impl Log {
    fn append(&self, bytes: &[u8]) -> std::io::Result<()> {
        (&*self.file).write_all(bytes)?;
        if !self.quiet {
            // The app serves on where its terminal has gone away.
            let _ = std::io::stderr().lock().write_all(bytes);
        }
        Ok(())
    }
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Log {
    async fn ready(&mut self) {}
}

impl OutputStream for Log {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.append(&bytes)
            .map_err(|error| StreamError::LastOperationFailed(error.into()))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

impl AsyncWrite for Log {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(self.append(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
