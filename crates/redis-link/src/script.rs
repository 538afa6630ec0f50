//! Lua scripts that the server runs.
//!
//! A script is sent by its SHA-1 and, where the server does not know it yet, in full.

use redis::Cmd;

/// A script, made of parts that several scripts may share.
pub struct Script {
    source: String,
    sha: String,
}

impl Script {
    /// Returns the script that the parts make up, in their order.
    pub fn new(parts: &[&str]) -> Self {
        let source = parts.concat();
        let sha = redis::Script::new(&source).get_hash().to_owned();
        Self { source, sha }
    }

    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// A call of it for the one key that says where it runs and what the others are derived from.
    pub fn call(&self, key: &[u8]) -> Cmd {
        self.call_sized(key, 16, 512)
    }

    /// The same, with room for so many arguments and bytes.
    pub fn call_sized(&self, key: &[u8], arguments: usize, bytes: usize) -> Cmd {
        let mut command = Cmd::with_capacity(arguments + 4, bytes + key.len() + 64);
        command.arg("EVALSHA").arg(&self.sha).arg("1").arg(key);
        command
    }

    /// A call of it for several keys.
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
