//! Options for secrets and bodies, shared by the commands.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use webhook_signature::{Credential, CredentialError, check_text};

/// The secrets to sign or verify with.
#[derive(Args)]
pub struct Secrets {
    /// A secret as it was issued; may be repeated, newest first. Other users of the machine can see
    /// command lines: prefer the variable, which accepts several separated by commas
    #[arg(
        long = "secret",
        env = "WEBHOOK_SECRET",
        hide_env_values = true,
        required = true
    )]
    secrets: Vec<String>,
}

impl Secrets {
    /// Parses the secrets.
    ///
    /// # Errors
    ///
    /// Fails for an invalid secret. The error does not contain it.
    pub fn credentials(&self) -> Result<Vec<Credential>> {
        let mut all = Vec::new();
        for list in &self.secrets {
            // As a whole first: the comma of `v1,whsec_…` is no separator.
            check_list(list).with_context(|| named(all.len()))?;
            for text in list.split(',') {
                let secret = Credential::parse(text).with_context(|| named(all.len()))?;
                all.push(secret);
            }
        }
        Ok(all)
    }
}

fn check_list(list: &str) -> Result<(), CredentialError> {
    check_text(list)?;
    let is_version = |text: &str| {
        let versions = ["v1", "v1a"];
        versions
            .iter()
            .any(|version| text.eq_ignore_ascii_case(version))
    };
    if list.split(',').any(is_version) {
        return Err(CredentialError::Version);
    }
    Ok(())
}

fn named(before: usize) -> String {
    format!("secret {} of --secret or WEBHOOK_SECRET", before + 1)
}

/// The body to sign or verify.
#[derive(Args)]
pub struct Body {
    /// The file that holds the body; default: standard input
    file: Option<PathBuf>,
}

impl Body {
    /// Reads the body.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self.file.as_deref().filter(|file| *file != Path::new("-")) {
            Some(file) => std::fs::read(file).with_context(|| format!("file `{}`", file.display())),
            None => {
                let mut body = Vec::new();
                std::io::stdin()
                    .read_to_end(&mut body)
                    .context("standard input")?;
                Ok(body)
            }
        }
    }
}

/// Parses the name of a scheme.
pub fn scheme(name: &str) -> Result<webhook_signature::Scheme, String> {
    let known = webhook_signature::Scheme::ALL
        .into_iter()
        .find(|scheme| scheme.name() == name);
    known.ok_or_else(|| "none of plain, wss, standard".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<usize, String> {
        let secrets = texts.iter().map(|text| (*text).to_owned()).collect();
        let read = Secrets { secrets }.credentials();
        read.map(|all| all.len())
            .map_err(|error| format!("{error:#}"))
    }

    const SHARED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn several_secrets_are_separated_by_commas() {
        assert_eq!(read(&[SHARED, "another-secret,a-third-secret"]), Ok(3));
    }

    /// If `v1` were accepted as a key, anyone could sign.
    #[test]
    fn the_version_of_a_signature_is_no_secret() {
        for list in [
            format!("v1,{SHARED}"),
            format!("{SHARED},v1,{SHARED}"),
            "v1".into(),
        ] {
            let error = read(&[&list]).expect_err(&list);
            assert!(error.contains("`v1,`"), "{error}");
            assert!(!error.contains(SHARED), "{error}");
        }
    }

    #[test]
    fn a_near_miss_in_a_list_is_named_by_its_number() {
        let error = read(&[&format!("{SHARED}, another-secret")]).expect_err("a blank");
        assert!(error.starts_with("secret 2 of"), "{error}");
        assert!(error.contains("white space"), "{error}");
        for list in [
            format!("{SHARED}\n"),
            format!("\"{SHARED},x\""),
            String::new(),
        ] {
            assert!(read(&[&list]).is_err(), "{list:?}");
        }
    }
}
