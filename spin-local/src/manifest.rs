//! The manifest of an app: its `spin.toml`, version 2.
//!
//! [`App::load`] reads it to the end before anything is started. What Spin's runtime leaves
//! unread (build commands, tools, targets, profiles) is checked for its form and left out. What
//! Spin has and `spin-local` has not, and what neither knows, is refused with file, line and name:
//!
//! ```
//! use spin_local::{App, Given};
//!
//! let manifest = r#"
//! spin_manifest_version = 2
//! [application]
//! name = "shop"
//! [[trigger.http]]
//! route = "/..."
//! component = "shop"
//! [component.shop]
//! source = "shop.wasm"
//! sqlite_database = ["default"]
//! "#;
//! let refused = App::from_text(manifest, "/srv/shop".as_ref(), &Given::default());
//! assert_eq!(
//!     refused.err().unwrap().to_string(),
//!     "spin.toml:10: component `shop`: unknown key `sqlite_database`, \
//!      did you mean `sqlite_databases`?"
//! );
//! ```

mod application;
mod build;
mod component;
mod declared;
mod dependency;
mod dependency_name;
mod files;
mod given;
mod hosts;
mod identifier;
mod static_response;
mod trigger;
mod unread;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use build::Build;
pub use dependency_name::{DependencyName, DependencyNameError};
pub use files::FileMount;
pub use given::Given;
pub use static_response::StaticResponse;

use crate::allowed_hosts::AllowedHost;
use crate::toml_text::{self, Fault};

/// What an app consists of, with everything that was given outside the manifest worked in.
pub struct App {
    pub name: String,
    /// Empty where the manifest has none.
    pub version: String,
    /// The folder the manifest lies in, absolute.
    pub dir: PathBuf,
    /// In the order of the manifest; components written inside a trigger come last.
    pub components: Vec<Component>,
    /// In the order of the manifest, each pattern once.
    pub routes: Vec<Route>,
    /// The responses of triggers without a component, in the order of the manifest.
    pub static_responses: Vec<StaticResponse>,
    /// What the manifest says that works but is hardly meant, one line each.
    pub warnings: Vec<String>,
}

/// Which requests go where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// As written: `/orders/:id`, `/static/...`.
    pub pattern: String,
    pub target: RouteTarget,
}

/// The responder to the requests of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// The index into [`App::components`].
    Component(usize),
    /// The index into [`App::static_responses`].
    Static(usize),
}

/// A WebAssembly component and what it may use.
pub struct Component {
    pub id: String,
    /// Empty where the manifest has none.
    pub description: String,
    /// The file it is in, absolute.
    pub source: PathBuf,
    /// Whether a trigger names it, be it a private one. A component without is there to be a
    /// dependency, or is not used at all, and need not answer HTTP.
    pub triggered: bool,
    pub dependencies: Vec<Dependency>,
    /// Names and values in the order of the names, each name once.
    pub environment: Vec<(String, String)>,
    /// The files it may read.
    pub files: Vec<FileMount>,
    /// Patterns of files of the app's folder that it may not read in spite of `files`.
    pub exclude_files: Vec<String>,
    /// The commands that `spin build` makes it by.
    pub build: Option<Build>,
    /// Labels of the stores it may open.
    pub key_value_stores: Vec<String>,
    /// Labels of the databases it may open.
    pub sqlite_databases: Vec<String>,
    pub allowed_outbound_hosts: Vec<AllowedHost>,
    /// The variables it can ask for, with their values. Any of them may be secret.
    pub variables: BTreeMap<String, String>,
}

/// Another component that satisfies imports of one.
pub struct Dependency {
    /// Which imports.
    pub name: DependencyName,
    /// The file it is in, absolute.
    pub path: PathBuf,
    /// The export to take instead of the one named like the import.
    pub export: Option<String>,
    /// The capabilities of its parent that it may use, by the keys of a component:
    /// `key_value_stores`. All others are refused to it, or empty.
    pub inherit: Vec<&'static str>,
}

/// Why a manifest was refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("`{}` cannot be read: {cause}", path.display())]
    Read {
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error(
        "`{}` is a WebAssembly file: spin-local runs the app of a manifest, so name a `spin.toml` \
         whose component has it as its `source`", .0.display()
    )]
    Wasm(PathBuf),
    #[error(
        "`{0}` is a reference to a registry, from which spin-local does not load apps: name a \
         `spin.toml` or the folder it is in"
    )]
    Registry(String),
    #[error("`{}` is not text, and so is no manifest", .0.display())]
    NotText(PathBuf),
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl App {
    /// Reads the manifest at `manifest`, or the `spin.toml` in it where it is a folder.
    pub fn load(manifest: &Path, given: &Given) -> Result<Self, ManifestError> {
        let file = if manifest.is_dir() {
            manifest.join("spin.toml")
        } else {
            manifest.to_owned()
        };
        let unreadable = |cause| ManifestError::Read {
            path: file.clone(),
            cause,
        };
        let bytes = std::fs::read(&file).map_err(|cause| match registry_reference(&file) {
            Some(reference) if cause.kind() == ErrorKind::NotFound => {
                ManifestError::Registry(reference)
            }
            _ => unreadable(cause),
        })?;
        if bytes.starts_with(b"\0asm") {
            return Err(ManifestError::Wasm(file));
        }
        let text = String::from_utf8(bytes).map_err(|_| ManifestError::NotText(file.clone()))?;
        let absolute = std::path::absolute(&file).map_err(unreadable)?;
        let dir = absolute.parent().unwrap_or(Path::new("/"));
        Self::read(&file.display().to_string(), &text, dir, given)
    }

    /// Reads a manifest's text as if it were the file `spin.toml` in `dir`.
    pub fn from_text(text: &str, dir: &Path, given: &Given) -> Result<Self, ManifestError> {
        Self::read("spin.toml", text, dir, given)
    }

    fn read(file: &str, text: &str, dir: &Path, given: &Given) -> Result<Self, ManifestError> {
        let app = toml_text::read(file, text, |root| application::read(root, dir, given))?;
        Ok(app)
    }
}

/// Returns `path` as the reference to a registry that it is for Spin: it begins with the name of
/// a server, as in `ghcr.io/owner/app:1.0`.
fn registry_reference(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let (server, rest) = text.split_once('/')?;
    let is_server = !server.starts_with('.') && server.contains(['.', ':']);
    let names_file = Path::new(rest).extension().is_some_and(|it| it == "toml");
    (is_server && !names_file).then(|| text.to_owned())
}
