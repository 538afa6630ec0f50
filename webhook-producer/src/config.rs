//! The app's variables. An invalid value causes a problem that names the variable, rather than a
//! fallback to a default. The defaults are in `spin.toml`.

use std::str::FromStr;
use std::time::Duration;

use problem_details::Problem;

use crate::platform::{Log, Variables};
use crate::problems::{self, quote};

/// The maximum of `outbound_timeout_ms`: five minutes.
const MAX_TIMEOUT_MS: u64 = 300_000;
/// The maximum of `max_concurrency`.
const MAX_CONCURRENCY: usize = 1000;

/// The variable `api_token`. It has no `Debug`, because it is a secret.
pub enum ApiToken {
    /// It is empty: every request is authorized.
    Open,
    /// It is set: requests need this token.
    Required(String),
}

impl ApiToken {
    /// Reads the variable. If it cannot be read, no request is authorized.
    pub fn load(platform: &(impl Variables + Log)) -> Result<Self, Problem> {
        let token = bearer(platform, "api_token")?;
        Ok(token.map_or(Self::Open, Self::Required))
    }
}

/// Reads a bearer token, which is `None` if the variable is empty.
pub(crate) fn bearer(
    platform: &(impl Variables + Log),
    name: &str,
) -> Result<Option<String>, Problem> {
    let token = variable(platform, name)?;
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        // No header can carry such a token, so all requests would fail without a visible reason.
        let reason = "the token has a space or a character that is not visible ASCII";
        return Err(problems::bad_configuration(name, reason));
    }
    if ['"', '\'', '`']
        .iter()
        .any(|quote| token.starts_with(*quote) && token.ends_with(*quote))
    {
        let reason = "the token is in quotation marks";
        return Err(problems::bad_configuration(name, reason));
    }
    Ok(Some(token).filter(|token| !token.is_empty()))
}

/// The other variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The time limit for a handshake or a whole firing: `outbound_timeout_ms`, 1 to 300000.
    pub timeout: Duration,
    /// The maximum number of concurrent calls: `max_concurrency`, 1 to 1000.
    pub max_concurrency: usize,
    /// `true` if consumers may be on private and loopback hosts: `allow_private_hosts`.
    pub allow_private_hosts: bool,
}

impl Settings {
    pub fn load(platform: &(impl Variables + Log)) -> Result<Self, Problem> {
        let timeout = number(platform, "outbound_timeout_ms", 1, MAX_TIMEOUT_MS)?;
        Ok(Self {
            timeout: Duration::from_millis(timeout),
            max_concurrency: number(platform, "max_concurrency", 1, MAX_CONCURRENCY)?,
            allow_private_hosts: switch(platform, "allow_private_hosts")?,
        })
    }
}

fn number<T>(platform: &(impl Variables + Log), name: &str, min: T, max: T) -> Result<T, Problem>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let text = variable(platform, name)?;
    match text.parse() {
        Ok(number) if number >= min && number <= max => Ok(number),
        _ => {
            let reason = format!("{} is not a number from {min} to {max}", quote(&text));
            Err(problems::bad_configuration(name, &reason))
        }
    }
}

fn switch(platform: &(impl Variables + Log), name: &str) -> Result<bool, Problem> {
    let text = variable(platform, name)?;
    text.parse().map_err(|_| {
        let reason = format!("{} is neither `true` nor `false`", quote(&text));
        problems::bad_configuration(name, &reason)
    })
}

/// Returns a variable without line breaks at its end, which come with a value from a file
/// (`--variable name=@file`).
pub(crate) fn variable(platform: &(impl Variables + Log), name: &str) -> Result<String, Problem> {
    let value = platform.variable(name).map_err(|reason| {
        platform.log(&format!("PRODUCER: Cannot read variable {name}: {reason}"));
        problems::bad_configuration(name, "it cannot be read")
    })?;
    Ok(value.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default of every variable, except for one.
    struct With(&'static str, &'static str);

    impl Variables for With {
        fn variable(&self, name: &str) -> Result<String, String> {
            let value = match name {
                name if name == self.0 => self.1,
                "api_token" => "",
                "outbound_timeout_ms" => "5000",
                "max_concurrency" => "64",
                "allow_private_hosts" => "false",
                other => return Err(format!("no variable `{other}`")),
            };
            Ok(value.to_owned())
        }
    }

    impl Log for With {
        fn log(&self, _: &str) {}
    }

    #[test]
    fn the_defaults_are_read() {
        let settings = Settings::load(&With("", "")).unwrap();
        let expected = Settings {
            timeout: Duration::from_secs(5),
            max_concurrency: 64,
            allow_private_hosts: false,
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn an_invalid_value_causes_a_problem_that_names_the_variable() {
        let wrong = [
            ("outbound_timeout_ms", "0"),
            ("outbound_timeout_ms", "300001"),
            ("outbound_timeout_ms", "5s"),
            ("outbound_timeout_ms", ""),
            ("max_concurrency", "0"),
            ("max_concurrency", "-1"),
            ("max_concurrency", "1001"),
            ("allow_private_hosts", "yes"),
            ("allow_private_hosts", ""),
        ];
        for (name, value) in wrong {
            let problem = Settings::load(&With(name, value)).unwrap_err();
            assert_eq!(problem.code(), "bad-configuration");
            assert!(
                problem.to_string().contains(&format!("`{name}`")),
                "{problem}"
            );
        }
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_rejected_and_not_shown() {
        for token in [
            "s3cret ",
            "s3\ncret",
            "\u{feff}s3cret",
            "\"s3cret\"",
            "'s3cret'",
        ] {
            let problem = ApiToken::load(&With("api_token", token)).err().unwrap();
            assert_eq!(problem.code(), "bad-configuration", "{token:?}");
            assert!(!problem.to_string().contains("s3"), "{problem}");
        }
    }

    #[test]
    fn line_breaks_at_the_end_of_a_token_are_dropped() {
        for token in ["s3cret", "s3cret\n", "s3cret\r\n"] {
            match ApiToken::load(&With("api_token", token)) {
                Ok(ApiToken::Required(read)) => assert_eq!(read, "s3cret"),
                _ => panic!("{token:?}"),
            }
        }
        let empty = ApiToken::load(&With("api_token", "\n"));
        assert!(matches!(empty, Ok(ApiToken::Open)));
    }

    #[test]
    fn a_token_that_cannot_be_read_is_a_problem() {
        struct Broken;
        impl Variables for Broken {
            fn variable(&self, _: &str) -> Result<String, String> {
                Err("the vault is sealed".to_owned())
            }
        }
        impl Log for Broken {
            fn log(&self, _: &str) {}
        }
        let problem = ApiToken::load(&Broken).err().unwrap();
        assert_eq!(problem.code(), "bad-configuration");
        assert!(!problem.to_string().contains("sealed"));
    }
}
