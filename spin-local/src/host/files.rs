//! The files of a component: copies of the files in its manifest, in a temporary folder that the
//! guest sees as `/` and cannot write to. As on Spin, the guest does not see files that are added
//! to the app's folder later.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use glob::Pattern;
use tempfile::TempDir;

use crate::manifest::{Component, FileMount};

/// The files of a component. Dropping it removes the copies.
pub(super) struct Files(TempDir);

impl Files {
    /// Copies the files of `component` from the app's folder. Returns `None` if it has none.
    ///
    /// # Errors
    ///
    /// A file does not exist, or cannot be copied.
    pub(super) fn copy(component: &Component, app: &Path) -> anyhow::Result<Option<Self>> {
        if component.files.is_empty() {
            return Ok(None);
        }
        let folder = tempfile::Builder::new().prefix("spin-local-").tempdir();
        let folder = folder.context("cannot create a folder for the files")?;
        let excluded = component.exclude_files.iter().map(|it| Pattern::new(it));
        let copier = Copier {
            app,
            root: folder.path(),
            excluded: excluded.collect::<Result<_, _>>()?,
        };
        for mount in &component.files {
            copier.copy_mount(mount).context("`files`")?;
        }
        Ok(Some(Self(folder)))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

struct Copier<'a> {
    app: &'a Path,
    root: &'a Path,
    excluded: Vec<Pattern>,
}

impl Copier<'_> {
    fn copy_mount(&self, mount: &FileMount) -> anyhow::Result<()> {
        match mount {
            FileMount::Pattern(pattern) => self.copy_pattern(pattern),
            FileMount::Placement {
                source,
                destination,
            } => self.copy_placed(source, destination),
        }
    }

    fn copy_pattern(&self, pattern: &str) -> anyhow::Result<()> {
        let path = self.app.join(pattern);
        ensure!(
            !path.is_dir(),
            "`{pattern}` is a folder: add `**/*`, or use a table with `source` and `destination`"
        );
        if path.exists() {
            return self.copy_file(&path, &self.root.join(self.within_app(&path)?));
        }
        ensure!(
            pattern.contains(['*', '?', '[']),
            "`{pattern}` does not exist and is not a glob pattern"
        );
        let within = self.within_app(&path)?;
        self.copy_matches(self.app, &within.to_string_lossy(), self.root)
    }

    fn copy_placed(&self, source: &str, destination: &str) -> anyhow::Result<()> {
        let path = self.app.join(source);
        let target = self.root.join(destination.trim_start_matches('/'));
        if path.is_dir() {
            return self.copy_matches(&path, "**/*", &target);
        }
        ensure!(path.exists(), "`{source}` does not exist");
        ensure!(
            !destination.ends_with('/') && !destination.ends_with('.'),
            "`{source}` is a file, and its destination `{destination}` is not a file name"
        );
        self.copy_file(&path, &target)
    }

    /// Copies the files that match `pattern` below `base` to the same paths below `target`.
    fn copy_matches(&self, base: &Path, pattern: &str, target: &Path) -> anyhow::Result<()> {
        let base_text = base.to_str();
        let base_text = base_text.context("the path of the app's folder is not UTF-8")?;
        std::fs::create_dir_all(target)?;
        let whole = format!("{}/{pattern}", Pattern::escape(base_text));
        for found in glob::glob(&whole)? {
            let found = found?;
            if !found.is_file() || self.is_excluded(&found)? {
                continue;
            }
            self.copy_file(&found, &target.join(found.strip_prefix(base)?))?;
        }
        Ok(())
    }

    fn is_excluded(&self, path: &Path) -> anyhow::Result<bool> {
        let within = self.within_app(path)?;
        Ok(self
            .excluded
            .iter()
            .any(|pattern| pattern.matches_path(&within)))
    }

    fn within_app(&self, path: &Path) -> anyhow::Result<PathBuf> {
        match path.strip_prefix(self.app) {
            Ok(within) => Ok(within.to_owned()),
            Err(_) => bail!("`{}` is not in the folder of the app", path.display()),
        }
    }

    fn copy_file(&self, from: &Path, to: &Path) -> anyhow::Result<()> {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::copy(from, to).with_context(|| format!("cannot copy `{}`", from.display()))?;
        Ok(())
    }
}
