//! The app's variables. A value that means nothing is answered with a problem that names the
//! variable, instead of a default nobody asked for. The defaults are in `spin.toml`.

use std::str::FromStr;
use std::time::Duration;

use problem_details::Problem;

use crate::outside::{Log, Variables};
use crate::problems::{self, quote};

/// The longest `outbound_timeout_ms`: five minutes.
const LONGEST_TIMEOUT_MS: u64 = 300_000;
/// The largest `max_concurrency`.
const MOST_CONCURRENT: usize = 1000;

/// The variable `api_token`. There is no `Debug`: it is a secret.
pub enum ApiToken {
    /// It is empty: everybody may call.
    Open,
    /// It is set: this text is wanted.
    Required(String),
}

impl ApiToken {
    /// Reads the variable. Where it cannot be read nobody gets in.
    pub fn load(outside: &(impl Variables + Log)) -> Result<Self, Problem> {
        let token = bearer(outside, "api_token")?;
        Ok(token.map_or(Self::Open, Self::Required))
    }
}

/// A bearer token; `None` where the variable is empty.
pub(crate) fn bearer(
    outside: &(impl Variables + Log),
    name: &str,
) -> Result<Option<String>, Problem> {
    let token = variable(outside, name)?;
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        // No header could ever carry it, so everybody would be locked out without a reason.
        let reason = "the token holds a space or a character that is not visible ASCII";
        return Err(problems::bad_configuration(name, reason));
    }
    if ['"', '\'', '`']
        .iter()
        .any(|quote| token.starts_with(*quote) && token.ends_with(*quote))
    {
        let reason = "the token stands in quotation marks";
        return Err(problems::bad_configuration(name, reason));
    }
    Ok(Some(token).filter(|token| !token.is_empty()))
}

/// Everything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a handshake, or a whole firing, may take: `outbound_timeout_ms`, 1 to 300000.
    pub timeout: Duration,
    /// How many consumers are called at the same time: `max_concurrency`, 1 to 1000.
    pub max_concurrency: usize,
    /// Whether consumers may be on private and loopback hosts: `allow_private_hosts`.
    pub allow_private_hosts: bool,
}

impl Settings {
    pub fn load(outside: &(impl Variables + Log)) -> Result<Self, Problem> {
        let timeout = number(outside, "outbound_timeout_ms", 1, LONGEST_TIMEOUT_MS)?;
        Ok(Self {
            timeout: Duration::from_millis(timeout),
            max_concurrency: number(outside, "max_concurrency", 1, MOST_CONCURRENT)?,
            allow_private_hosts: switch(outside, "allow_private_hosts")?,
        })
    }
}

fn number<T>(outside: &(impl Variables + Log), name: &str, least: T, most: T) -> Result<T, Problem>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let text = variable(outside, name)?;
    match text.parse() {
        Ok(number) if number >= least && number <= most => Ok(number),
        _ => {
            let reason = format!("{} is not a number from {least} to {most}", quote(&text));
            Err(problems::bad_configuration(name, &reason))
        }
    }
}

fn switch(outside: &(impl Variables + Log), name: &str) -> Result<bool, Problem> {
    let text = variable(outside, name)?;
    text.parse().map_err(|_| {
        let reason = format!("{} is neither `true` nor `false`", quote(&text));
        problems::bad_configuration(name, &reason)
    })
}

/// A variable without the line breaks at its end, which a value has that was read from a file
/// (`--variable name=@file`).
pub(crate) fn variable(outside: &(impl Variables + Log), name: &str) -> Result<String, Problem> {
    let value = outside.variable(name).map_err(|reason| {
        outside.log(&format!("PRODUCER: Cannot read variable {name}: {reason}"));
        problems::bad_configuration(name, "it cannot be read")
    })?;
    Ok(value.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every variable has its default but one.
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
    fn a_value_that_means_nothing_is_answered_by_its_name() {
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
    fn a_token_no_header_could_carry_is_refused_and_not_shown() {
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
    fn the_line_break_at_the_end_of_a_file_is_no_part_of_a_token() {
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
    fn a_token_that_cannot_be_read_locks_the_door() {
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
