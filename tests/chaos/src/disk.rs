//! Small file systems that can be filled.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A tmpfs. Dropping it unmounts it.
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Creates `folder` and mounts a tmpfs of so many MiB at it, which requires root.
    pub fn mount(folder: &Path, size: u32) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}m"), "tmpfs"])
            .arg(folder)
            .status();
        if !status.context("cannot run `mount`")?.success() {
            bail!("cannot mount a small file system");
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Fills the file system.
    pub fn fill(&self) -> Result<()> {
        use std::io::Write;
        let mut file = std::fs::File::create(self.ballast())?;
        let block = [0; 4096];
        while file.write_all(&block).is_ok() {}
        Ok(())
    }

    /// Frees the space again.
    pub fn free(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}
