//! Secrets, tokens and addresses with common mistakes.

use std::fs;
use std::path::Path;

use webhook_sender::config::Config;

const SHARED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Returns the faults of a file with this `token` and `secret`, one line each.
fn faults(folder: &Path, token: &str, secret: &str) -> Vec<String> {
    let text = format!(
        "[api]\ntoken = {}\n[[tenant]]\nid = 'acme'\n[[tenant.endpoint]]\nid = 'orders'\n\
         url = 'https://example.com'\nevents = ['*']\nsecret = {}\n",
        toml::Value::from(token),
        toml::Value::from(secret)
    );
    match Config::parse(&text, &folder.join("sender.toml")) {
        Ok(_) => Vec::new(),
        Err(error) => error.diagnostics.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_near_miss_of_a_secret_is_refused_by_its_key_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let good = "a-token-of-the-senders-api";
    for (secret, named) in [
        (format!("v1,{SHARED}"), "`v1,`"),
        (format!("\"{SHARED}\""), "quotes"),
        (format!("'{SHARED}'"), "quotes"),
        (format!("\u{feff}{SHARED}"), "byte order mark"),
        (format!("{SHARED}\r"), "white space"),
        (format!("{SHARED}\n"), "white space"),
        (format!(" {SHARED}"), "white space"),
        ("a secret of its own ".into(), "white space"),
        (format!("secret={SHARED}"), "`whsec_`"),
        ("${ORDERS_SECRET}".into(), "env:NAME"),
        ("ENV:ORDERS_SECRET".into(), "env:NAME"),
        (" file:/run/secrets/orders".into(), "file:PATH"),
    ] {
        let found = faults(folder.path(), good, &secret);
        assert_eq!(found.len(), 1, "{secret:?}: {found:?}");
        let key = "tenant.acme.endpoint.orders.secret: ";
        assert!(found[0].starts_with(key), "{found:?}");
        assert!(found[0].contains(named), "{secret:?}: {found:?}");
        assert!(!found[0].contains("MfKQ9r8G"), "{found:?}");
    }
    assert_eq!(faults(folder.path(), good, SHARED), [""; 0]);
}

#[test]
fn a_near_miss_of_a_token_is_refused_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    // Long enough, so that the addition is the only fault.
    let good = "s3cret-token-of-the-api-of-a-sender";
    for (token, named) in [
        (format!("{good} "), "white space"),
        (format!("{good}\r"), "white space"),
        (format!("\t{good}"), "white space"),
        (format!("\"{good}\""), "quotes"),
        (format!("\u{feff}{good}"), "byte order mark"),
        (format!("s3cret\n{good}"), "visible ASCII"),
        (format!("{good}-\u{fc}"), "visible ASCII"),
        ("${SENDER_TOKEN_OF_THE_API}".into(), "env:NAME"),
    ] {
        let found = faults(folder.path(), &token, SHARED);
        assert_eq!(found.len(), 1, "{token:?}: {found:?}");
        assert!(found[0].starts_with("api.token: "), "{found:?}");
        assert!(found[0].contains(named), "{token:?}: {found:?}");
        assert!(!found[0].contains("s3cret"), "{found:?}");
    }
    assert_eq!(faults(folder.path(), good, SHARED), [""; 0]);
}

#[test]
fn a_token_or_a_key_that_could_be_guessed_is_refused() {
    for (length, expected) in [
        (1, "1 bytes; at least 24 are required"),
        (23, "23 bytes; at least 24 are required"),
        (24, ""),
    ] {
        let token = "x".repeat(length);
        for (key, text) in [
            ("api.token", format!("[api]\ntoken = '{token}'\n")),
            ("metrics.token", format!("[metrics]\ntoken = '{token}'\n")),
            (
                "api.key.shop.value",
                format!("[[api.key]]\nname = 'shop'\nrole = 'admin'\nvalue = '{token}'\n"),
            ),
        ] {
            let parsed = Config::parse(&text, "sender.toml".as_ref());
            let shown = parsed
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default();
            assert_eq!(shown.is_empty(), expected.is_empty(), "{key}: {shown}");
            assert!(shown.contains(expected), "{key}: {shown}");
        }
    }
}

#[test]
fn the_line_break_at_the_end_of_a_file_is_no_part_of_a_secret_and_anything_else_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let kept = |text: &str| {
        fs::write(folder.path().join("kept"), text).unwrap();
        faults(folder.path(), "file:kept", "file:kept")
    };
    for text in [
        SHARED.to_owned(),
        format!("{SHARED}\n"),
        format!("{SHARED}\r\n"),
    ] {
        assert_eq!(kept(&text), [""; 0], "{text:?}");
    }
    for text in [
        format!("\u{feff}{SHARED}\r\n"),
        format!("{SHARED} \n"),
        format!("\"{SHARED}\"\n"),
        "\n".into(),
        format!("{SHARED}{}", "x".repeat(64 * 1024)),
    ] {
        let found = kept(&text);
        assert_eq!(found.len(), 2, "{text:?}: {found:?}");
        let file = folder.path().join("kept");
        for fault in found {
            let owner = format!(": file `{}`: ", file.display());
            assert!(fault.contains(&owner), "{fault}");
            assert!(!fault.contains("MfKQ9r8G"), "{fault}");
        }
    }
}

#[test]
fn an_address_that_would_be_misread_is_refused_with_what_to_write_instead() {
    for (url, instead) in [
        ("redis://:pa#s3cret@127.0.0.1:6379", "%23"),
        ("redis://127.0.0.1:6379?db=3", "redis://HOST:PORT/3"),
        ("sqlite://sender.db?mode=rwc", "`mode`"),
        ("sqlite://:memory:", "name a file"),
        ("sqlite://", "is missing"),
        (" sqlite://sender.db", "white space"),
    ] {
        let text = format!("[store]\nurl = '{url}'\n");
        let error = Config::parse(&text, "sender.toml".as_ref()).expect_err(url);
        let shown = error.to_string();
        assert!(shown.starts_with("sender.toml:2: store.url: "), "{shown}");
        assert!(shown.contains(instead), "{url}: {shown}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
