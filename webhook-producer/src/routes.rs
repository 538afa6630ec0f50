//! From a request to its answer.

use problem_details::Problem;

use crate::auth;
use crate::body::Chunks;
use crate::config::{ApiToken, Settings};
use crate::http::{Request, Response};
use crate::outside::Outside;
use crate::sender::{Mirror, Queue};
use crate::{fire, health, origin, problems, registrations};

/// What a path and a method lead to.
enum Route {
    Register,
    List,
    Delete,
    Fire,
    Health,
    /// The path is served, but only with these methods.
    WrongMethod(&'static str),
    Unknown,
}

impl Route {
    /// One slash at the end of a path makes no difference. HEAD is as GET; the host leaves the body
    /// out.
    fn find(method: &str, path: &str) -> Self {
        match (path.strip_suffix('/').unwrap_or(path), method) {
            ("/registrations", "POST") => Self::Register,
            ("/registrations", "GET" | "HEAD") => Self::List,
            ("/registrations", "DELETE") => Self::Delete,
            ("/registrations", _) => Self::WrongMethod("GET, HEAD, POST, DELETE"),
            ("/fire", "POST") => Self::Fire,
            ("/fire", _) => Self::WrongMethod("POST"),
            ("/healthz", "GET" | "HEAD") => Self::Health,
            ("/healthz", _) => Self::WrongMethod("GET, HEAD"),
            _ => Self::Unknown,
        }
    }
}

/// Answers a request. Without the token where one is wanted, and without a token where the request
/// comes from elsewhere, a client learns nothing but whether the app is well, not even which paths
/// there are, and nothing of the body is read.
pub async fn answer(outside: &impl Outside, request: Request<impl Chunks>) -> Response {
    // A probe carries no token, which would stand in the manifest of whatever probes, and calls by
    // whatever name or address it has.
    let probe = matches!(Route::find(&request.method, &request.path), Route::Health);
    let admitted = match ApiToken::load(outside) {
        Ok(_) if probe => Ok(()),
        Ok(ApiToken::Open) => origin::check(&request),
        Ok(token) if !auth::is_welcome(&request.headers, &token) => {
            return Response::from(&problems::unauthorized())
                .with_header("www-authenticate", auth::CHALLENGE);
        }
        Ok(_) => Ok(()),
        Err(problem) => Err(problem),
    };
    let result = match admitted {
        Ok(()) => dispatch(outside, request).await,
        Err(problem) => Err(problem),
    };
    result.unwrap_or_else(|problem| Response::from(&problem))
}

async fn dispatch(
    outside: &impl Outside,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let route = Route::find(&request.method, &request.path);
    let settings = Settings::load(outside)?;
    let (queue, mirror) = (Queue::load(outside)?, Mirror::load(outside)?);
    match route {
        Route::Register => {
            registrations::register(outside, &settings, mirror.as_ref(), request).await
        }
        Route::List => registrations::list(outside),
        Route::Delete => registrations::delete(outside, &settings, mirror.as_ref(), request).await,
        Route::Fire => match queue {
            Some(queue) => fire::enqueue(outside, &queue, request).await,
            None => fire::fire(outside, &settings, request).await,
        },
        Route::Health => health::check(outside, queue.as_ref()),
        Route::WrongMethod(allowed) => {
            let problem = problems::method_not_allowed(allowed);
            Ok(Response::from(&problem).with_header("allow", allowed))
        }
        Route::Unknown => Err(problems::not_found()),
    }
}
