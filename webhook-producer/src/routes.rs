//! Routing and authorization.

use problem_details::Problem;

use crate::auth;
use crate::body::Chunks;
use crate::config::{ApiToken, Settings};
use crate::http::{Request, Response};
use crate::platform::Platform;
use crate::sender::{Queue, SenderApi};
use crate::{fire, health, origin, problems, registrations};

/// The handler for a path and a method.
enum Route {
    Register,
    List,
    Delete,
    Fire,
    Health,
    /// The path exists, but allows only these methods.
    WrongMethod(&'static str),
    Unknown,
}

impl Route {
    /// Finds the route. One slash at the end of a path is ignored. HEAD is handled like GET; the host
    /// drops the body.
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

/// Responds to a request. Unauthorized clients, and foreign ones while no token is required, learn
/// nothing but the result of the health check, not even which paths exist, and their bodies are not
/// read.
pub async fn respond(platform: &impl Platform, request: Request<impl Chunks>) -> Response {
    // A health probe has no token, which would have to be stored in a manifest, and it may use any
    // host name or address.
    let probe = matches!(Route::find(&request.method, &request.path), Route::Health);
    let authorized = match ApiToken::load(platform) {
        Ok(_) if probe => Ok(()),
        Ok(ApiToken::Open) => origin::check(&request),
        Ok(token) if !auth::is_authorized(&request.headers, &token) => {
            return Response::from(&problems::unauthorized())
                .with_header("www-authenticate", auth::CHALLENGE);
        }
        Ok(_) => Ok(()),
        Err(problem) => Err(problem),
    };
    let result = match authorized {
        Ok(()) => dispatch(platform, request).await,
        Err(problem) => Err(problem),
    };
    result.unwrap_or_else(|problem| Response::from(&problem))
}

async fn dispatch(
    platform: &impl Platform,
    request: Request<impl Chunks>,
) -> Result<Response, Problem> {
    let route = Route::find(&request.method, &request.path);
    let settings = Settings::load(platform)?;
    let (queue, sender) = (Queue::load(platform)?, SenderApi::load(platform)?);
    match route {
        Route::Register => {
            registrations::register(platform, &settings, sender.as_ref(), request).await
        }
        Route::List => registrations::list(platform),
        Route::Delete => registrations::delete(platform, &settings, sender.as_ref(), request).await,
        Route::Fire => match queue {
            Some(queue) => fire::enqueue(platform, &queue, request).await,
            None => fire::fire(platform, &settings, request).await,
        },
        Route::Health => health::check(platform, queue.as_ref()),
        Route::WrongMethod(allowed) => {
            let problem = problems::method_not_allowed(allowed);
            Ok(Response::from(&problem).with_header("allow", allowed))
        }
        Route::Unknown => Err(problems::not_found()),
    }
}
