//! Routing.

use problem_details::Problem;
use webhook_receiver::{Registration, Response};

/// The purpose of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST /target`, for the registration of its query.
    Delivery(Registration),
    /// `POST /target?handshake=true`.
    Handshake {
        /// The registration that the key belongs to.
        registration: Registration,
        /// The query parameter `token`: the first one if there are several.
        token: Option<String>,
    },
    /// `GET` or `HEAD /healthz`.
    Health,
}

/// The reason why a request has no route.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// 404 `not-found`.
    #[error("no resource at `{path}`")]
    NotFound {
        /// The path, without the query.
        path: String,
    },
    /// 405 `method-not-allowed`, with an `Allow` header (RFC 9110, section 15.5.6).
    #[error("method `{method}` is not allowed; allowed: {allow}")]
    MethodNotAllowed {
        /// The method of the request.
        method: String,
        /// The value of `Allow`.
        allow: &'static str,
    },
}

impl RouteError {
    /// Returns the response for the client.
    pub fn response(&self) -> Response {
        let problem = self.problem();
        match self {
            Self::NotFound { .. } => Response::problem(&problem),
            Self::MethodNotAllowed { allow, .. } => {
                Response::problem(&problem).header("allow", allow)
            }
        }
    }

    /// Returns the document for the client.
    pub fn problem(&self) -> Problem {
        let (status, code, title) = match self {
            Self::NotFound { .. } => (404, "not-found", "Resource not found"),
            Self::MethodNotAllowed { .. } => (405, "method-not-allowed", "Method not allowed"),
        };
        Problem::new(status, code, title).detail(self.to_string())
    }
}

impl Route {
    /// Routes by method, path and query. One slash at the end of the path is ignored.
    ///
    /// # Errors
    ///
    /// Returns an error for an unknown path, and for a method that a known path does not allow.
    pub fn of(method: &str, target: &str) -> Result<Self, RouteError> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match (path.strip_suffix('/').unwrap_or(path), method) {
            ("/target", "POST") => Ok(target_route(query)),
            ("/target", _) => Err(not_allowed(method, "POST")),
            ("/healthz", "GET" | "HEAD") => Ok(Self::Health),
            ("/healthz", _) => Err(not_allowed(method, "GET, HEAD")),
            _ => Err(RouteError::NotFound {
                path: path.to_owned(),
            }),
        }
    }
}

fn target_route(query: &str) -> Route {
    let registration = Registration::of_query(query);
    if parameter(query, "handshake").as_deref() == Some("true") {
        let token = parameter(query, "token");
        Route::Handshake {
            registration,
            token,
        }
    } else {
        Route::Delivery(registration)
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn not_allowed(method: &str, allow: &'static str) -> RouteError {
    RouteError::MethodNotAllowed {
        method: method.to_owned(),
        allow,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(query: &str, token: Option<&str>) -> Result<Route, RouteError> {
        Ok(Route::Handshake {
            registration: Registration::of_query(query),
            token: token.map(str::to_owned),
        })
    }

    #[test]
    fn a_post_without_the_handshake_parameter_is_a_delivery() {
        for (target, query) in [
            ("/target", ""),
            ("/target/", ""),
            ("/target?", ""),
            ("/target?token=t", ""),
            ("/target?a=b", "a=b"),
            ("/target/?a=b&token=t", "a=b"),
            ("/target?handshake", ""),
            ("/target?handshake=false", ""),
            ("/target?handshake=TRUE", ""),
            ("/target?xhandshake=true", "xhandshake=true"),
            ("/target?a=handshake=true", "a=handshake=true"),
        ] {
            let delivery = Route::Delivery(Registration::of_query(query));
            assert_eq!(Route::of("POST", target), Ok(delivery), "{target}");
        }
    }

    #[test]
    fn the_handshake_parameter_may_be_anywhere_in_the_query() {
        for (target, query) in [
            ("/target?handshake=true", ""),
            ("/target/?handshake=true", ""),
            ("/target?a=b&handshake=true", "a=b"),
            ("/target?handshake=true&a=b", "a=b"),
            ("/target?hand%73hake=tru%65", ""),
        ] {
            assert_eq!(
                Route::of("POST", target),
                handshake(query, None),
                "{target}"
            );
        }
    }

    #[test]
    fn a_token_is_decoded_and_the_first_one_is_used() {
        let target = "/target?token=a%26b%20c+d&handshake=true&token=other";
        assert_eq!(Route::of("POST", target), handshake("", Some("a&b c d")));
        let empty = Route::of("POST", "/target?handshake=true&token=");
        assert_eq!(empty, handshake("", Some("")));
    }

    #[test]
    fn one_slash_at_the_end_of_a_path_is_ignored_and_more_are_not() {
        assert_eq!(Route::of("GET", "/healthz/"), Ok(Route::Health));
        for path in ["/", "//", "/target//", "/target/x", "/healthz//"] {
            let error = Err(RouteError::NotFound {
                path: path.to_owned(),
            });
            assert_eq!(Route::of("GET", path), error);
        }
    }
}
