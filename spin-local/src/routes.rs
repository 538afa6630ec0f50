//! Routing of requests to components by their paths.
//!
//! A pattern is a path (`/orders`), optionally with named segments (`/orders/:id`) and a final
//! `/...` for all paths below. The more exact pattern takes precedence, and among wildcards the
//! longer one. `routefinder` matches the paths, as in Spin, so that precedence is identical: a
//! slash at the end of a path is ignored, and percent-encoding is not decoded.
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

/// The prefix of paths to which the runtime responds itself.
pub(crate) const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// A route of the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The pattern as written: `/orders/:id`, `/static/...`.
    pub pattern: String,
    /// The responder to its requests.
    pub target: RouteTarget,
}

/// The responder to the requests of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// The index into [`App::components`].
    ///
    /// [`App::components`]: crate::App::components
    Component(usize),
    /// The index into [`App::static_responses`].
    ///
    /// [`App::static_responses`]: crate::App::static_responses
    Static(usize),
}

/// The error of an invalid pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route `{pattern}` {reason}")]
pub struct RouteError {
    pattern: String,
    reason: String,
}

/// A table of routes.
pub struct Router {
    table: routefinder::Router<Target>,
}

/// The target of a pattern, with the forms of the pattern that headers carry.
struct Target {
    target: RouteTarget,
    /// The pattern as written in the manifest.
    raw: String,
    /// The pattern with a leading slash and no trailing one: `/` becomes empty.
    based: String,
}

impl Router {
    /// Builds a router. The patterns of the routes must differ, as those of [`App::routes`] do.
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
            // A parsed pattern cannot fail to be added.
            let Ok(()) = table.add(spec, target);
        }
        Ok(Self { table })
    }

    /// Returns the best match for `path`, which must not include the query.
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

    /// Returns the routes with their targets, in the order of precedence and in the form in which
    /// Spin lists them: `/orders/:id`, `/static (wildcard)`, and an empty text for `/`.
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

/// A path and its route, with the details that Spin passes to the component in headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteMatch<'a> {
    target: RouteTarget,
    based: &'a str,
    raw: &'a str,
    path_info: String,
    named: Vec<(String, String)>,
}

impl<'a> RouteMatch<'a> {
    /// Returns the match for a call from another component of the app: no route leads to it, and
    /// Spin treats it as if the path matched `/...`.
    pub(crate) fn of_call(component: usize, path: &str) -> Self {
        Self {
            target: RouteTarget::Component(component),
            based: "/...",
            raw: "/...",
            path_info: path.to_owned(),
            named: Vec::new(),
        }
    }

    /// Returns the responder to the request.
    pub fn target(&self) -> RouteTarget {
        self.target
    }

    /// Returns the pattern with a leading slash and no trailing one (`spin-matched-route`).
    pub fn based_route(&self) -> &'a str {
        self.based
    }

    /// Returns the pattern as written (`spin-raw-component-route`).
    pub fn raw_route(&self) -> &'a str {
        self.raw
    }

    /// Returns the pattern as written, without a final `/...` (`spin-component-route`).
    pub fn component_route(&self) -> &'a str {
        self.raw.strip_suffix("/...").unwrap_or(self.raw)
    }

    /// Returns the part of the path that the wildcard matched, with a leading slash
    /// (`spin-path-info`). Empty if there is no wildcard or no such part.
    pub fn path_info(&self) -> &str {
        &self.path_info
    }

    /// Returns the names and values of the `:name` segments, still percent-encoded
    /// (`spin-path-match-<name>`).
    pub fn named(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.named.iter();
        named.map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Returns the path info and the named segments.
fn captured(found: &Match<'_, '_, Target>) -> (String, Vec<(String, String)>) {
    let captures = found.captures();
    let path_info = match captures.wildcard() {
        None => String::new(),
        Some(below) => {
            // The guest sees a slash at the end of the path, which `routefinder` drops.
            let before = if below.is_empty() { "" } else { "/" };
            let after = if found.path().ends_with('/') { "/" } else { "" };
            format!("{before}{below}{after}")
        }
    };
    let params = captures.params().iter();
    let named = params.map(|one| (one.name().to_owned(), one.value().to_owned()));
    (path_info, named.collect())
}

/// Returns the pattern with a leading slash and no trailing one.
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

/// Parses a pattern. It also refuses patterns that `routefinder` accepts and then never matches or
/// panics on.
pub(crate) fn parse(pattern: &str) -> Result<RouteSpec, RouteError> {
    let error = |reason: String| RouteError {
        pattern: pattern.to_owned(),
        reason,
    };
    if !pattern.is_ascii() {
        return Err(error(
            "must be percent-encoded where it is not ASCII".to_owned(),
        ));
    }
    let based = based(pattern);
    let (path, wildcard) = match wildcard_prefix(&based) {
        Some(prefix) => (prefix, "/*"),
        None => (based.as_str(), ""),
    };
    if path.contains("...") || path.contains('*') {
        return Err(error(
            "has a wildcard that is not its whole last segment".to_owned(),
        ));
    }
    let spec = format!("{path}{wildcard}").parse::<RouteSpec>();
    let spec = spec.map_err(|cause| error(format!("is not a valid pattern: {cause}")))?;
    check_names(&spec).map_err(error)?;
    Ok(spec)
}

/// Checks the names of segments, which the component sees in headers `spin-path-match-<name>`.
fn check_names(spec: &RouteSpec) -> Result<(), String> {
    for segment in spec.segments() {
        let Segment::Param(name) = segment else {
            continue;
        };
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err(format!(
                "has the name `:{name}`, which is not valid in a header name"
            ));
        }
    }
    Ok(())
}
