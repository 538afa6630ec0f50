//! What a request is for: a handshake, or the app behind.

use webhook_receiver::{Platform, Refusal, SettingsError, variables};

/// What there is to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Door {
    /// It brings a key, and the query parameter `token`, the first one where there are several.
    Handshake { token: Option<String> },
    /// It is for the app, if it is signed.
    App,
}

impl Door {
    /// Reads method, path and query. `handshake_path` is empty where there is no handshake.
    ///
    /// Only a request that is to the letter a handshake is one: everything else has to be signed.
    pub fn of(method: &str, target: &str, handshake_path: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = parameter(query, "handshake").as_deref() == Some("true");
        if method == "POST" && asked && !handshake_path.is_empty() && path == handshake_path {
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

/// The component behind, from the variable `guarded_component`. Its name becomes a host name, so
/// it has to be nothing but a name.
///
/// # Errors
///
/// The variable is missing, or is no component's name.
pub fn component(platform: &impl Platform) -> Result<String, Refusal> {
    let name = "guarded_component";
    let value = variables::text(platform, name)?;
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if !value.is_empty() && value.bytes().all(sound) {
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

    fn handshake(token: Option<&str>) -> Door {
        let token = token.map(str::to_owned);
        Door::Handshake { token }
    }

    #[test]
    fn a_post_to_the_path_with_the_parameter_is_a_handshake() {
        for (target, token) in [
            ("/hook?handshake=true", None),
            ("/hook?a=b&hand%73hake=true", None),
            ("/hook?token=a%26b&handshake=true&token=c", Some("a&b")),
        ] {
            assert_eq!(
                Door::of("POST", target, "/hook"),
                handshake(token),
                "{target}"
            );
        }
    }

    #[test]
    fn whatever_is_no_handshake_to_the_letter_is_for_the_app() {
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
                Door::of(method, target, path),
                Door::App,
                "{method} {target}"
            );
        }
    }
}
