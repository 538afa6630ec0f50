//! A resolver of a process's own: files in place of `/etc/hosts` and `/etc/resolv.conf`, seen by that
//! process alone.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

/// The receiver's host name.
pub const HOST: &str = "receiver.chaos.test";

/// The files, and a name server that never responds.
#[derive(Clone)]
pub struct Names {
    folder: PathBuf,
    /// Keeps the port open, so that look-ups wait instead of failing at once.
    _silent: Option<Arc<UdpSocket>>,
}

impl Names {
    /// Makes the files in `folder`; [`HOST`] resolves.
    pub fn new(folder: &Path) -> Result<Self> {
        let silent = (2..250)
            .map(|last| Ipv4Addr::new(127, 77, 0, last))
            .find_map(|address| Some((address, UdpSocket::bind((address, 53)).ok()?)));
        let server = match &silent {
            Some((address, _)) => *address,
            // Nothing listens there: look-ups fail at once.
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

    /// Has [`HOST`] resolve.
    pub fn restore(&self) -> Result<()> {
        self.write(&format!("127.0.0.1 {HOST}\n"))
    }

    /// Has nothing resolve: the name server is asked, and never responds.
    pub fn remove(&self) -> Result<()> {
        self.write("")
    }

    /// The words before a command that make it see the files.
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

    /// Writes the file in place: a new one would not be the one that is mounted.
    fn write(&self, text: &str) -> Result<()> {
        Ok(std::fs::write(self.folder.join("hosts"), text)?)
    }
}
