//! The configuration files in `files`, with the configuration or the error that each results in.

use std::fs;
use std::path::Path;

use test_support::cases;
use webhook_sender::config::Config;

#[test]
fn every_file_has_the_expected_outcome() {
    cases::check("tests/config/files", "toml", 30, outcome);
}

/// Returns the output of `check` for a file, without the folder of the file.
fn outcome(path: &Path) -> String {
    let folder = format!("{}/", path.parent().unwrap().display());
    let said = match Config::load(path) {
        Ok(mut config) => {
            if !config.name.starts_with("sender-") {
                config.name = "this machine".into();
            }
            format!("{}\n\n{:#?}", config.summary(), Shown(&config))
        }
        Err(error) => error.to_string(),
    };
    format!("{}\n", said.replace(&folder, ""))
}

/// A configuration without the values that differ between machines.
struct Shown<'a>(&'a Config);

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Config {
            store,
            sources,
            api,
            metrics,
            delivery,
            limits,
            retention,
            log,
            retries,
            tenants,
            ..
        } = self.0;
        f.debug_struct("Config")
            .field("store", store)
            .field("sources", sources)
            .field("api", api)
            .field("metrics", metrics)
            .field("delivery", delivery)
            .field("limits", limits)
            .field("retention", retention)
            .field("log", log)
            .field("retries", retries)
            .field("tenants", tenants)
            .finish()
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Config::load("nowhere/sender.toml".as_ref()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "nowhere/sender.toml: No such file or directory (os error 2)"
    );
}

#[test]
fn the_documented_example_is_valid_except_for_its_missing_secrets() {
    let text = fs::read_to_string("tests/config/files/design.toml").unwrap();
    let error = Config::parse(&text, "sender.toml".as_ref()).unwrap_err();
    let fields: Vec<_> = error
        .diagnostics
        .iter()
        .map(|fault| fault.field.as_str())
        .collect();
    assert_eq!(fields, ["api.token", "tenant.acme.endpoint.orders.secret"]);
}

#[test]
fn a_tenant_with_more_endpoints_than_it_may_have_is_refused() {
    let endpoint = "[[tenant.endpoint]]\nid = 'ID'\nurl = 'https://example.com'\n\
                    events = ['*']\nsecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n";
    let endpoints: String = ["a", "b"].map(|id| endpoint.replace("ID", id)).concat();
    let parse = |own: &str| {
        let text = format!("[limits]\nendpoints = 1\n[[tenant]]\nid = 'acme'\n{own}{endpoints}");
        Config::parse(&text, "sender.toml".as_ref())
    };
    let error = parse("").unwrap_err();
    let faults = error.diagnostics.iter();
    let faults: Vec<_> = faults
        .map(|fault| (&*fault.field, &*fault.message))
        .collect();
    let message = "2 endpoints; `limits.endpoints` allows 1";
    assert_eq!(faults, [("tenant.acme.endpoint", message)]);
    assert!(parse("limits = { endpoints = 2 }\n").is_ok());
}

#[test]
fn no_secret_is_shown() {
    let text = "[api]\ntoken = 's3cret-token-of-the-api-itself'\n\
                [[api.key]]\nname = 'a'\nrole = 'admin'\nvalue = 's3cret-value-of-another-key'\n[store]\nurl = 'redis://:s3cret-pw@127.0.0.1'\n\
                [[source]]\nname = 'events'\nurl = 'redis://:s3cret-pw@127.0.0.1'\n\
                [[tenant]]\nid = 'a'\n[[tenant.endpoint]]\nid = 'b'\nurl = 'https://example.com'\n\
                events = ['*']\nsecret = 's3cret-key-of-the-endpoint'\n";
    let config = Config::parse(text, "sender.toml".as_ref()).unwrap();
    let shown = format!("{config:?} {}", config.summary());
    assert!(!shown.contains("s3cret"), "{shown}");
    // Nor does an error contain the text of an invalid URL or secret.
    let text = text
        .replace("redis://", "rediz://")
        .replace("s3cret-key-of-the-endpoint", "whsec_s3cret");
    let error = Config::parse(&text, "sender.toml".as_ref())
        .unwrap_err()
        .to_string();
    assert!(!error.contains("s3cret"), "{error}");
    assert_eq!(error.lines().count(), 3, "{error}");
}

/// Returns the rows about a table in the section of `docs/OPERATIONS.md` about the file.
fn documented(table: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/OPERATIONS.md");
    let text = fs::read_to_string(path).unwrap();
    let head = format!("\n### {table}\n");
    let (_, rest) = text
        .split_once(&head)
        .unwrap_or_else(|| panic!("no section `{table}`"));
    let end = rest.find("\n#").unwrap_or(rest.len());
    rest[..end].to_owned()
}

#[test]
fn the_manual_names_every_key() {
    let tables = [
        ("The top", ""),
        ("`[store]`", "[store]\n"),
        ("`[[source]]`", "[[source]]\n"),
        ("`[api]`", "[api]\n"),
        ("`[[api.key]]`", "[[api.key]]\n"),
        ("`[pages]`", "[pages]\n"),
        ("`[delivery]`", "[delivery]\n"),
        ("`[retry.NAME]`", "[retry.x]\n"),
        ("`[limits]`", "[limits]\n"),
        ("`[retention]`", "[retention]\n"),
        ("`[log]`", "[log]\n"),
        ("`[[tenant]]`", "[[tenant]]\n"),
        ("`[[tenant.endpoint]]`", "[[tenant]]\n[[tenant.endpoint]]\n"),
    ];
    for (table, head) in tables {
        let text = format!("{head}'~' = 1\n");
        let error = Config::parse(&text, "sender.toml".as_ref()).unwrap_err();
        let known = error
            .diagnostics
            .iter()
            .find_map(|fault| fault.message.strip_prefix("unknown key; known are "))
            .expect("its keys");
        let documented = documented(table);
        for key in known.split(", ") {
            assert!(documented.contains(&format!("| {key} |")), "{table} {key}");
        }
    }
}

#[test]
fn what_a_running_process_keeps_is_told_by_its_keys() {
    let parse = |text: &str| Config::parse(text, "sender.toml".as_ref()).unwrap();
    let before = parse("name = 'a'");
    let same = parse(
        "name = 'a'\n[delivery]\ntimeout = '1s'\nplaces = 1\n[retry.fast]\nschedule = ['0s']\n\
         [api]\ntoken = 'a-token-that-nobody-guesses'\n[[tenant]]\nid = 'acme'",
    );
    assert_eq!(before.needs_restart(&same), [""; 0]);
    let other = parse(
        "name = 'b'\n[store]\nurl = 'sqlite://other.db'\n[[source]]\nname = 'a'\nurl = 'redis://host'\n\
         [api]\nlisten = '127.0.0.1:1'\n\
         [metrics]\ntoken = 'another-that-nobody-guesses'\n\
         [delivery]\nallow_http = true\nallow_networks = ['10.0.0.0/8']\ncomponents = 'c'\n\
         lease = '2m'\nmax_body = 1\nmax_tries = 2\n[retention]\ndead = '1h'\n[log]\nformat = 'text'",
    );
    let keys = [
        "name",
        "store",
        "source",
        "api.listen",
        "metrics",
        "delivery.allow_http",
        "delivery.allow_networks",
        "delivery.components",
        "delivery.lease",
        "delivery.max_body",
        "delivery.max_tries",
        "retention",
        "log",
    ];
    assert_eq!(before.needs_restart(&other), keys);
}

#[test]
fn a_file_is_held_to_the_rules_of_the_process_that_reads_it_again() {
    let text = "[delivery]\nallow_http = true\nlease = '5m'\ntimeout = '100s'\n\
                [[tenant]]\nid = 'acme'\n[[tenant.endpoint]]\nid = 'orders'\n\
                url = 'http://example.com'\nevents = ['*']\nsecret = 'a-secret-of-enough-length'\ntimeout = '2m'";
    let config = Config::parse(text, "sender.toml".as_ref()).unwrap();
    config.fits(&config.rules()).unwrap();
    let faults = config.fits(&webhook_sender::config::Rules::default());
    let fields: Vec<_> = faults
        .unwrap_err()
        .into_iter()
        .map(|fault| fault.field)
        .collect();
    let expected = [
        "delivery.timeout",
        "tenant.acme.endpoint.orders.url",
        "tenant.acme.endpoint.orders.timeout",
    ];
    assert_eq!(fields, expected);
}
