//! Routing: a handshake, or a request for the app.

use webhook_receiver::{Platform, Refusal, SettingsError, variables};

/// The purpose of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    /// A handshake, with its query parameter `token`: the first one if there are several.
    Handshake { token: Option<String> },
    /// A request for the app, which must be signed.
    App,
}

impl Route {
    /// Routes by method, path and query. An empty `handshake_path` disables handshakes.
    ///
    /// Only a request that matches exactly is a handshake: all others must be signed.
    pub fn of(method: &str, target: &str, handshake_path: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let is_handshake = parameter(query, "handshake").as_deref() == Some("true");
        if method == "POST" && is_handshake && !handshake_path.is_empty() && path == handshake_path
        {
            let token = parameter(query, "token");
            return Self::Handshake { token };
        }
        Self::App
    }
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Returns the guarded component, from the variable `guarded_component`. Its name becomes a host
/// name, so only letters, digits and hyphens are valid.
///
/// # Errors
///
/// Returns an error if the variable is missing or is not a component's name.
pub fn component(platform: &impl Platform) -> Result<String, Refusal> {
    let name = "guarded_component";
    let value = variables::text(platform, name)?;
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !value.is_empty() && value.bytes().all(valid) {
        return Ok(value);
    }
    let wanted = "the name of a component of the app";
    Err(Refusal::Settings(SettingsError::Value {
        name,
        value,
        wanted,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(token: Option<&str>) -> Route {
        let token = token.map(str::to_owned);
        Route::Handshake { token }
    }

    #[test]
    fn a_post_to_the_path_with_the_parameter_is_a_handshake() {
        for (target, token) in [
            ("/hook?handshake=true", None),
            ("/hook?a=b&hand%73hake=true", None),
            ("/hook?token=a%26b&handshake=true&token=c", Some("a&b")),
        ] {
            assert_eq!(
                Route::of("POST", target, "/hook"),
                handshake(token),
                "{target}"
            );
        }
    }

    #[test]
    fn a_request_that_does_not_match_exactly_is_for_the_app() {
        for (method, target, path) in [
            ("GET", "/hook?handshake=true", "/hook"),
            ("post", "/hook?handshake=true", "/hook"),
            ("POST", "/hook", "/hook"),
            ("POST", "/hook?handshake=1", "/hook"),
            ("POST", "/hook?handshake=false&handshake=true", "/hook"),
            ("POST", "/hook/?handshake=true", "/hook"),
            ("POST", "/ho%6fk?handshake=true", "/hook"),
            ("POST", "/other?handshake=true", "/hook"),
            ("POST", "/?handshake=true", ""),
            ("POST", "?handshake=true", ""),
        ] {
            assert_eq!(
                Route::of(method, target, path),
                Route::App,
                "{method} {target}"
            );
        }
    }
}
