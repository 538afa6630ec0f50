//! The name of a dependency, which selects the imports of a component that it satisfies.

use std::fmt;
use std::str::FromStr;

use semver::{BuildMetadata, Version};

use super::identifier::{is_kebab, is_lower_kebab};

/// The imports that a dependency satisfies.
///
/// ```
/// use spin_local::DependencyName;
///
/// let every: DependencyName = "fermyon:hmac".parse().unwrap();
/// assert!(every.matches_import("fermyon:hmac/sign@0.1.0"));
///
/// let one: DependencyName = "fermyon:hmac/verify@0.1.0".parse().unwrap();
/// assert!(!one.matches_import("fermyon:hmac/sign@0.1.0"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencyName {
    /// The import of this kebab-case name.
    Plain(String),
    /// Interfaces of a package.
    Package {
        /// The package as `namespace:name`.
        package: String,
        /// One of its interfaces, or all.
        interface: Option<String>,
        /// The exact version, or any.
        version: Option<Version>,
    },
}

/// The error of a text that is not the name of a dependency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither `namespace:package` with optional `/interface` and `@version`, nor a name in \
     kebab-case"
)]
pub struct DependencyNameError(String);

impl FromStr for DependencyName {
    type Err = DependencyNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let parsed = if name.contains([':', '/']) {
            parse_package(name)
        } else {
            is_kebab(name).then(|| Self::Plain(name.to_owned()))
        };
        parsed.ok_or_else(|| DependencyNameError(name.to_owned()))
    }
}

fn parse_package(name: &str) -> Option<DependencyName> {
    let (name, version) = match name.split_once('@') {
        Some((name, version)) => (name, Some(version.parse().ok()?)),
        None => (name, None),
    };
    let (package, interface) = match name.split_once('/') {
        Some((package, interface)) => (package, Some(interface)),
        None => (name, None),
    };
    let (namespace, local) = package.split_once(':')?;
    let is_valid =
        is_lower_kebab(namespace) && is_lower_kebab(local) && interface.is_none_or(is_kebab);
    is_valid.then(|| DependencyName::Package {
        package: package.to_owned(),
        interface: interface.map(str::to_owned),
        version,
    })
}

impl DependencyName {
    /// Returns `true` if the dependency satisfies the import of this name.
    pub fn matches_import(&self, import: &str) -> bool {
        match self {
            Self::Plain(name) => name == import,
            Self::Package {
                package,
                interface,
                version,
            } => parse_import(import).is_some_and(|(of, imported, in_version)| {
                package == of
                    && interface.as_deref().is_none_or(|name| name == imported)
                    && (version.is_none() || *version == in_version)
            }),
        }
    }

    /// Returns `true` if an import could match both, which makes them ambiguous.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Package {
                    package,
                    interface,
                    version,
                },
                Self::Package {
                    package: other_package,
                    interface: other_interface,
                    version: other_version,
                },
            ) => {
                package == other_package
                    && may_agree(interface, other_interface, PartialEq::eq)
                    && may_agree(version, other_version, |a, b| {
                        first_compatible(a) == first_compatible(b)
                    })
            }
            _ => self == other,
        }
    }
}

/// Splits an import into package, interface and version: `package/interface[@version]`.
fn parse_import(import: &str) -> Option<(&str, &str, Option<Version>)> {
    let (package, rest) = import.split_once('/')?;
    match rest.split_once('@') {
        Some((interface, version)) => Some((package, interface, Some(version.parse().ok()?))),
        None => Some((package, rest, None)),
    }
}

/// Returns `true` if two parts agree. An absent part agrees with any.
fn may_agree<T>(one: &Option<T>, other: &Option<T>, agree: impl Fn(&T, &T) -> bool) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => agree(one, other),
        _ => true,
    }
}

/// Returns the first version that is semver-compatible with `version`: the one with the same
/// leftmost part that is not zero. A pre-release is compatible with itself only.
fn first_compatible(version: &Version) -> Version {
    let mut first = version.clone();
    first.build = BuildMetadata::EMPTY;
    if first.pre.is_empty() {
        if first.major > 0 {
            first.minor = 0;
        }
        if first.major > 0 || first.minor > 0 {
            first.patch = 0;
        }
    }
    first
}

impl fmt::Display for DependencyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Package {
                package,
                interface,
                version,
            } => {
                f.write_str(package)?;
                if let Some(interface) = interface {
                    write!(f, "/{interface}")?;
                }
                if let Some(version) = version {
                    write!(f, "@{version}")?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DependencyName {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_matches_the_imports_it_covers() {
        for (dependency, import) in [
            ("foo:bar/baz@0.1.0", "foo:bar/baz@0.1.0"),
            ("foo:bar/baz", "foo:bar/baz@0.1.0"),
            ("foo:bar/baz", "foo:bar/baz"),
            ("foo:bar", "foo:bar/baz@0.1.0"),
            ("foo:bar", "foo:bar/bub"),
            ("foo:bar@0.1.0", "foo:bar/baz@0.1.0"),
            ("foo-bar", "foo-bar"),
        ] {
            assert!(
                name(dependency).matches_import(import),
                "{dependency} {import}"
            );
        }
    }

    #[test]
    fn a_name_matches_no_other_import() {
        for (dependency, import) in [
            ("foo:bar/baz@0.1.0", "foo:bar/baz"),
            ("foo:bar/baz@0.1.0", "foo:bar/baz@0.1.1"),
            ("foo:bar@0.1.0", "foo:bar/baz@0.1.1"),
            ("foo:bar@0.1.0", "foo:bar/baz"),
            ("foo:bar/baz", "foo:bar/bub"),
            ("foo:bar/baz", "foo:bar/baz-bub"),
            ("foo:bar/baz", "foo-bar"),
            ("foo:bar", "foo:bub/baz"),
            ("foo:bar", "foo:bar"),
            ("foo:bar", "foo:bar/baz@zero"),
            ("foo-bar", "foo:bar/baz"),
        ] {
            assert!(
                !name(dependency).matches_import(import),
                "{dependency} {import}"
            );
        }
    }

    #[test]
    fn names_for_the_same_imports_overlap() {
        for (one, other) in [
            ("foo:bar@0.1.0", "foo:bar@0.1.1"),
            ("foo:bar@1.0.0", "foo:bar@1.9.0"),
            ("foo:bar/baz@0.1.0", "foo:bar@0.1.0"),
            ("foo:bar/baz", "foo:bar"),
            ("foo:bar", "foo:bar@0.1.0"),
            ("foo:bar@0.1.0-pre", "foo:bar@0.1.0-pre+build"),
        ] {
            assert!(name(one).overlaps(&name(other)), "{one} {other}");
            assert!(name(other).overlaps(&name(one)), "{other} {one}");
        }
    }

    #[test]
    fn names_for_different_imports_do_not_overlap() {
        for (one, other) in [
            ("foo:bar@0.1.0", "foo:bar@0.2.0"),
            ("foo:bar@0.0.1", "foo:bar@0.0.2"),
            ("foo:bar@1.0.0", "foo:bar@2.0.0"),
            ("foo:bar/baz@0.1.0", "foo:bar/bub@0.1.0"),
            ("foo:bar@0.1.0", "foo:bar/bub@0.2.0"),
            ("foo:bar/baz@0.1.0-alpha", "foo:bar/baz@0.1.0-beta"),
            ("foo:bar", "foo:bub"),
            ("foo-bar", "foo-bub"),
        ] {
            assert!(!name(one).overlaps(&name(other)), "{one} {other}");
        }
    }

    #[test]
    fn a_name_is_displayed_as_written() {
        for text in [
            "foo:bar",
            "foo:bar/baz",
            "foo:bar@0.1.0",
            "foo:bar/baz@1.0.0-rc.1",
            "foo-bar",
        ] {
            assert_eq!(name(text).to_string(), text);
        }
    }
}
