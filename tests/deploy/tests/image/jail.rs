//! Running programs with the image as their root folder.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use crate::built::Image;
use crate::parsed::last_stage;

/// The commands with which this user enters an image: the words before `kill`, and before `chroot` with
/// its options.
pub struct Jail {
    pub rights: Vec<String>,
    user: Option<String>,
}

impl Jail {
    /// # Panics
    ///
    /// The user is not root, cannot become root, and cannot create a namespace.
    pub fn of_this_user() -> Self {
        let works = |words: &[&str]| {
            let output = Command::new(words[0]).args(&words[1..]).output();
            output.is_ok_and(|output| output.status.success())
        };
        let own = std::fs::metadata("/proc/self").expect("there is /proc");
        let (uid, gid) = (own.uid(), own.gid());
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        if uid == 0 {
            let user = last_stage("sender").one("USER").to_owned();
            return Self {
                rights: Vec::new(),
                user: Some(user),
            };
        }
        if works(&["sudo", "-n", "true"]) {
            // This user owns the writable folder of the image.
            return Self {
                rights: words(&["sudo", "-n"]),
                user: Some(format!("{uid}:{gid}")),
            };
        }
        let namespace = ["unshare", "--user", "--map-root-user"];
        assert!(
            works(&[&namespace[..], &["chroot", "/", "true"]].concat()),
            "chroot wants root, sudo or user namespaces"
        );
        Self {
            rights: words(&namespace),
            user: None,
        }
    }

    /// Runs a command in the image with only this environment.
    pub fn command(
        &self,
        image: &Image,
        environment: &[(&str, &str)],
        words: &[String],
    ) -> Command {
        let mut all = self.rights.clone();
        all.extend(["env", "-i"].map(str::to_owned));
        all.extend(
            environment
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        // Absolute, because the environment has no PATH.
        let chroot = ["/usr/sbin/chroot", "/usr/bin/chroot"];
        let chroot = chroot.into_iter().find(|path| Path::new(path).exists());
        all.push(chroot.expect("there is chroot").to_owned());
        if let Some(user) = &self.user {
            all.extend([format!("--userspec={user}"), "--groups=".to_owned()]);
        }
        all.push(image.root.display().to_string());
        all.extend_from_slice(words);
        let mut command = Command::new(&all[0]);
        command.args(&all[1..]);
        command
    }

    /// Returns the words before `kill` with which it reaches such a process.
    pub fn before_kill(&self) -> &[String] {
        match self.user {
            Some(_) => &self.rights,
            None => &[],
        }
    }
}
