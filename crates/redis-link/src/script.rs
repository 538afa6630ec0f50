//! Lua scripts that the server runs.
//!
//! A script is called by its SHA-1, and sent in full if the server does not know it yet.

use redis::Cmd;

/// A script, composed of parts that several scripts may share.
pub struct Script {
    source: String,
    sha: String,
}

impl Script {
    /// Returns the script that consists of the parts, in their order.
    pub fn new(parts: &[&str]) -> Self {
        let source = parts.concat();
        let sha = redis::Script::new(&source).get_hash().to_owned();
        Self { source, sha }
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Returns a call with one key, which selects the node and from which other keys are derived.
    pub fn call(&self, key: &[u8]) -> Cmd {
        self.call_sized(key, 16, 512)
    }

    /// Returns a call with one key, with capacity for this number of arguments and bytes.
    pub fn call_sized(&self, key: &[u8], arguments: usize, bytes: usize) -> Cmd {
        let mut command = Cmd::with_capacity(arguments + 4, bytes + key.len() + 64);
        command.arg("EVALSHA").arg(&self.sha).arg("1").arg(key);
        command
    }

    /// Returns a call with several keys.
    pub fn call_for(&self, keys: &[Vec<u8>]) -> Cmd {
        let mut command = Cmd::new();
        command
            .arg("EVALSHA")
            .arg(&self.sha)
            .arg(keys.len())
            .arg(keys);
        command
    }
}
