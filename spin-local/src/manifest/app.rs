//! The parts of an app, as its manifest declares them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::build::Build;
use super::dependency_name::DependencyName;
use super::files::FileMount;
use super::static_response::StaticResponse;
use crate::allowed_hosts::AllowedHost;
use crate::routes::Route;

/// An app: its manifest with all overrides applied.
pub struct App {
    /// The name in `[application]`.
    pub name: String,
    /// The version in `[application]`, or an empty string.
    pub version: String,
    /// The folder of the manifest, absolute.
    pub dir: PathBuf,
    /// The components in the order of the manifest, followed by those written inside a trigger.
    pub components: Vec<Component>,
    /// The routes in the order of the manifest, each pattern once.
    pub routes: Vec<Route>,
    /// The responses of triggers without a component, in the order of the manifest.
    pub static_responses: Vec<StaticResponse>,
    /// Settings that are valid and probably not intended, one line each.
    pub warnings: Vec<String>,
}

/// A WebAssembly component and its capabilities.
pub struct Component {
    /// The name of its table, in kebab-case.
    pub id: String,
    /// The description, or an empty string.
    pub description: String,
    /// The WebAssembly file, absolute.
    pub source: PathBuf,
    /// Set if a trigger names the component, even a private one. Other components are
    /// dependencies or unused, and need not export an HTTP handler.
    pub triggered: bool,
    /// The components that satisfy its imports.
    pub dependencies: Vec<Dependency>,
    /// Environment variables, sorted by name, each name once.
    pub environment: Vec<(String, String)>,
    /// The files that it can read.
    pub files: Vec<FileMount>,
    /// Glob patterns of files that it cannot read although `files` names them.
    pub exclude_files: Vec<String>,
    /// The commands of `spin build`.
    pub build: Option<Build>,
    /// The labels of its key-value stores.
    pub key_value_stores: Vec<String>,
    /// The labels of its SQLite databases.
    pub sqlite_databases: Vec<String>,
    /// The hosts that it can connect to.
    pub allowed_outbound_hosts: Vec<AllowedHost>,
    /// Its variables with their values. Any of them may be secret.
    pub variables: BTreeMap<String, String>,
}

/// A component that satisfies imports of another one.
pub struct Dependency {
    /// The imports that it satisfies.
    pub name: DependencyName,
    /// The WebAssembly file, absolute.
    pub path: PathBuf,
    /// The export to use instead of the one named like the import.
    pub export: Option<String>,
    /// The capabilities of the parent that it inherits, by their keys, such as
    /// `key_value_stores`. The host refuses all others, or they are empty.
    pub inherit: Vec<&'static str>,
}
