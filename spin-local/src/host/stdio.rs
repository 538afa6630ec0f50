//! The output of guests, which goes to a file in the log folder and to the terminal. Output never
//! fails for the guest.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll};

use anyhow::Context;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::{private_files, terminal};

/// The output streams of one component.
pub(super) struct Logs {
    pub(super) stdout: Log,
    pub(super) stderr: Log,
}

impl Logs {
    /// Opens `<component>_stdout.txt` and `<component>_stderr.txt` in `directory` for appending.
    /// Without a directory there are no files. With `quiet`, nothing goes to the terminal.
    ///
    /// # Errors
    ///
    /// A file cannot be opened.
    pub(super) fn open(
        directory: Option<&Path>,
        component: &str,
        quiet: bool,
    ) -> anyhow::Result<Self> {
        let log = |stream: &str| -> anyhow::Result<Log> {
            let path = directory.map(|folder| folder.join(format!("{component}_{stream}.txt")));
            let file = path.map(LogFile::open).transpose()?.map(Arc::new);
            Ok(Log { file, quiet })
        };
        Ok(Self {
            stdout: log("stdout")?,
            stderr: log("stderr")?,
        })
    }
}

/// An output stream of a component. Writes are unbuffered and atomic, so that lines of concurrent
/// requests do not mix and nothing is lost if a guest traps.
#[derive(Clone)]
pub(super) struct Log {
    file: Option<Arc<LogFile>>,
    quiet: bool,
}

struct LogFile {
    path: PathBuf,
    file: File,
    /// Set by the first write that fails, so that the failure is reported once.
    has_failed: AtomicBool,
}

impl LogFile {
    fn open(path: PathBuf) -> anyhow::Result<Self> {
        let file = private_files::append(&path);
        let file = file.with_context(|| format!("cannot open the log `{}`", path.display()))?;
        Ok(Self {
            path,
            file,
            has_failed: AtomicBool::new(false),
        })
    }

    fn append(&self, bytes: &[u8]) {
        let Err(error) = (&self.file).write_all(bytes) else {
            return;
        };
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            terminal::line(format_args!(
                "warning: the log `{}` is incomplete: {error}",
                self.path.display()
            ));
        }
    }
}

impl Log {
    fn append(&self, bytes: &[u8]) {
        if let Some(file) = &self.file {
            file.append(bytes);
        }
        if !self.quiet {
            terminal::write(bytes.to_vec());
        }
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
        self.append(&bytes);
        Ok(())
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
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
