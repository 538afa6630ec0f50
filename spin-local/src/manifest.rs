//! The manifest of an app: its `spin.toml`, version 2.
//!
//! [`App::load`] reads the whole manifest before anything starts. Sections that Spin's runtime
//! ignores (build commands, tools, targets, profiles) are checked for their form. Settings that
//! Spin supports and `spin-local` does not, and unknown keys, are errors with file, line and name:
//!
//! ```
//! use spin_local::{App, Overrides};
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
//! let error = App::from_text(manifest, "/srv/shop".as_ref(), &Overrides::default());
//! assert_eq!(
//!     error.err().unwrap().to_string(),
//!     "spin.toml:10: component `shop`: unknown key `sqlite_database`; \
//!      did you mean `sqlite_databases`?"
//! );
//! ```

mod app;
mod application;
mod build;
mod component;
mod dependency;
mod dependency_name;
mod draft;
mod files;
mod hosts;
mod identifier;
mod ignored_sections;
mod load;
mod overrides;
mod static_response;
mod trigger;
mod variables;

pub use app::{App, Component, Dependency};
pub use build::Build;
pub use dependency_name::{DependencyName, DependencyNameError};
pub use files::FileMount;
pub use load::ManifestError;
pub use overrides::Overrides;
pub use static_response::StaticResponse;
