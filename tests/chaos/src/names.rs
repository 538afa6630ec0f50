//! A private resolver for a process: replacements of `/etc/hosts` and `/etc/resolv.conf` that only this
//! process sees.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

/// The receiver's host name.
pub const HOST: &str = "receiver.chaos.test";

/// The replaced files, and a name server that never responds.
#[derive(Clone)]
pub struct Names {
    folder: PathBuf,
    /// Keeps the port open, so that queries time out instead of failing at once.
    _silent: Option<Arc<UdpSocket>>,
}

impl Names {
    /// Creates the files in `folder`. [`HOST`] resolves.
    pub fn new(folder: &Path) -> Result<Self> {
        let silent = (2..250)
            .map(|last| Ipv4Addr::new(127, 77, 0, last))
            .find_map(|address| Some((address, UdpSocket::bind((address, 53)).ok()?)));
        let server = match &silent {
            Some((address, _)) => *address,
            // Nothing listens there: queries fail at once.
            None => Ipv4Addr::new(127, 77, 0, 1),
        };
        std::fs::write(folder.join("resolv.conf"), format!("nameserver {server}\n"))?;
        std::fs::write(folder.join("nsswitch.conf"), "hosts: files dns\n")?;
        let names = Self {
            folder: folder.to_owned(),
            _silent: silent.map(|(_, socket)| Arc::new(socket)),
        };
        names.restore()?;
        Ok(names)
    }

    /// Makes [`HOST`] resolve.
    pub fn restore(&self) -> Result<()> {
        self.write(&format!("127.0.0.1 {HOST}\n"))
    }

    /// Makes every query time out.
    pub fn remove(&self) -> Result<()> {
        self.write("")
    }

    /// Returns the words before a command with which it sees the files.
    pub fn wrapper(&self) -> Vec<String> {
        let mounts = ["hosts", "resolv.conf", "nsswitch.conf"].map(|name| {
            let file = self.folder.join(name);
            format!("mount --bind '{}' /etc/{name} && ", file.display())
        });
        let script = format!("{}exec \"$0\" \"$@\"", mounts.concat());
        ["unshare", "--mount", "sh", "-c", &script]
            .map(str::to_owned)
            .into()
    }

    /// Writes the file in place: a new file would not be the mounted one.
    fn write(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.folder.join("hosts"), text)?)
    }
}
