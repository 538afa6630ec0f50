//! Which component a request's path belongs to.
//!
//! A pattern is a path (`/orders`), may hold names for single segments (`/orders/:id`), and may
//! end in `/...` for everything below. The more exact pattern wins, and among wildcards the
//! longer. Matching is `routefinder`'s, which is Spin's, so that precedence is the same to the
//! last corner: a slash at the end of a path is ignored, and percent-encoding is left as it is.
//!
//! ```
//! use spin_local::{Route, RouteTarget, Router};
//!
//! let routes = [
//!     Route { pattern: "/...".to_owned(), target: RouteTarget::Component(0) },
//!     Route { pattern: "/orders/:id/...".to_owned(), target: RouteTarget::Component(1) },
//! ];
//! let router = Router::new(&routes).unwrap();
//!
//! let found = router.find("/orders/7/items").unwrap();
//! assert_eq!(found.target(), RouteTarget::Component(1));
//! assert_eq!(found.path_info(), "/items");
//! assert_eq!(found.named().collect::<Vec<_>>(), [("id", "7")]);
//! ```

use http::HeaderName;
use routefinder::{Match, RouteSpec, Segment};

use crate::manifest::Route;
pub(crate) use crate::manifest::RouteTarget;

/// Paths under this prefix are answered by the runtime and reach no component.
pub(crate) const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// A pattern that no route can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route `{pattern}` {reason}")]
pub struct RouteError {
    pattern: String,
    reason: String,
}

/// Finds the route of a path.
pub struct Router {
    table: routefinder::Router<Target>,
}

/// What a pattern leads to.
struct Target {
    target: RouteTarget,
    /// As written in the manifest.
    raw: String,
    /// With a slash before it and none behind: `/` is empty.
    based: String,
}

impl Router {
    /// A router over routes whose patterns differ, as those of [`App::routes`] do.
    ///
    /// [`App::routes`]: crate::App::routes
    pub fn new(routes: &[Route]) -> Result<Self, RouteError> {
        let mut table = routefinder::Router::new();
        for route in routes {
            let based = based(&route.pattern);
            let target = Target {
                target: route.target,
                raw: route.pattern.clone(),
                based,
            };
            let spec = parse(&route.pattern)?;
            // Adding a parsed pattern has nothing left to fail at.
            let Ok(()) = table.add(spec, target);
        }
        Ok(Self { table })
    }

    /// The route that `path`, without its query, belongs to.
    pub fn find<'a>(&'a self, path: &'a str) -> Option<RouteMatch<'a>> {
        let found = self.table.best_match(path)?;
        let target = found.handler();
        let (path_info, named) = captured(&found);
        Some(RouteMatch {
            target: target.target,
            based: &target.based,
            raw: &target.raw,
            path_info,
            named,
        })
    }

    /// Every route as Spin lists it behind the address it serves on, in the order of precedence:
    /// `/orders/:id`, `/static (wildcard)`, and nothing for `/`. With each what it leads to.
    pub fn listing(&self) -> impl Iterator<Item = (String, RouteTarget)> {
        self.table.iter().map(|(_, target)| {
            let line = match wildcard_prefix(&target.based) {
                Some(prefix) => format!("{prefix} (wildcard)"),
                None => target.based.clone(),
            };
            (line, target.target)
        })
    }
}

/// A path and the route it belongs to, with what Spin tells the component about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteMatch<'a> {
    target: RouteTarget,
    based: &'a str,
    raw: &'a str,
    path_info: String,
    named: Vec<(String, String)>,
}

impl<'a> RouteMatch<'a> {
    /// The match of a call from another component of the app, which no route leads to: as if
    /// the path were below a route `/...`.
    pub(crate) fn of_call(component: usize, path: &str) -> Self {
        Self {
            target: RouteTarget::Component(component),
            based: "/...",
            raw: "/...",
            path_info: path.to_owned(),
            named: Vec::new(),
        }
    }

    /// The responder to the request.
    pub fn target(&self) -> RouteTarget {
        self.target
    }

    /// The pattern with a slash before it and none behind (`spin-matched-route`).
    pub fn based_route(&self) -> &'a str {
        self.based
    }

    /// The pattern as written (`spin-raw-component-route`).
    pub fn raw_route(&self) -> &'a str {
        self.raw
    }

    /// The pattern as written, without a `/...` at its end (`spin-component-route`).
    pub fn component_route(&self) -> &'a str {
        self.raw.strip_suffix("/...").unwrap_or(self.raw)
    }

    /// What the wildcard stands for, with the slash before it (`spin-path-info`). Empty where
    /// there is no wildcard or nothing below the pattern.
    pub fn path_info(&self) -> &str {
        &self.path_info
    }

    /// The `:name` segments and what they stand for, percent-encoding and all
    /// (`spin-path-match-<name>`).
    pub fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.named.iter();
        named.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The path info and the named segments.
fn captured(found: &Match<'_, '_, Target>) -> (String, Vec<(String, String)>) {
    let captures = found.captures();
    let path_info = match captures.wildcard() {
        None => String::new(),
        Some(below) => {
            // A slash at the end of the path is the guest's to see; `routefinder` drops it.
            let before = if below.is_empty() { "" } else { "/" };
            let after = if found.path().ends_with('/') { "/" } else { "" };
            format!("{before}{below}{after}")
        }
    };
    let params = captures.params().iter();
    let named = params.map(|one| (one.name().to_owned(), one.value().to_owned()));
    (path_info, named.collect())
}

/// The pattern with a slash before it and none behind.
pub(crate) fn based(pattern: &str) -> String {
    let slash = if pattern.starts_with('/') { "" } else { "/" };
    let absolute = format!("{slash}{pattern}");
    match absolute.strip_suffix('/') {
        Some(trimmed) => trimmed.to_owned(),
        None => absolute,
    }
}

fn wildcard_prefix(based: &str) -> Option<&str> {
    based.strip_suffix("/...").or(based.strip_suffix("/*"))
}

/// Reads a pattern. Refused is, beside what `routefinder` refuses, what it would take and then
/// never match or panic over.
pub(crate) fn parse(pattern: &str) -> Result<RouteSpec, RouteError> {
    let refuse = |reason: String| RouteError {
        pattern: pattern.to_owned(),
        reason,
    };
    if !pattern.is_ascii() {
        return Err(refuse(
            "must be percent-encoded where it is not ASCII".to_owned(),
        ));
    }
    let based = based(pattern);
    let (path, wildcard) = match wildcard_prefix(&based) {
        Some(prefix) => (prefix, "/*"),
        None => (based.as_str(), ""),
    };
    if path.contains("...") || path.contains('*') {
        return Err(refuse(
            "has a wildcard that is not its whole last segment".to_owned(),
        ));
    }
    let spec = format!("{path}{wildcard}").parse::<RouteSpec>();
    let spec = spec.map_err(|error| refuse(format!("is no pattern: {error}")))?;
    check_names(&spec).map_err(refuse)?;
    Ok(spec)
}

/// A named segment reaches the component as the header `spin-path-match-<name>`.
fn check_names(spec: &RouteSpec) -> Result<(), String> {
    for segment in spec.segments() {
        let Segment::Param(name) = segment else {
            continue;
        };
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(format!("has the name `:{name}`, which no header can have"));
        }
    }
    Ok(())
}
