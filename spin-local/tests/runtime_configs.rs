//! The runtime configurations in `tests/cases/runtime_configs`, with the outcome of each.
//!
//! Comments contain queries: `#> blocks <address>`, `#> variable <name>`, and
//! `#> key-value <label>` or `#> sqlite <label>` for a component with such a label.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use spin_local::{App, Overrides, RuntimeConfig};
use test_support::cases;

#[test]
fn every_runtime_configuration_has_the_expected_outcome() {
    cases::check("tests/cases/runtime_configs", "toml", 20, |input| {
        let text = std::fs::read_to_string(input).unwrap();
        let path = Path::new("config/runtime.toml");
        match RuntimeConfig::from_text(&text, path, Path::new("/srv")) {
            Err(error) => format!("error: {error}\n"),
            Ok(config) => {
                let queries = text.lines().filter_map(|line| line.strip_prefix("#> "));
                let results = queries.map(|query| result(&config, query));
                [describe(&config), results.collect()].concat()
            }
        }
    });
}

#[test]
fn only_the_label_default_is_defined_without_a_file() {
    let config = RuntimeConfig::default();
    assert!(
        config
            .check(&app_with("key_value_stores", "default"))
            .is_ok()
    );
    assert!(
        config
            .check(&app_with("sqlite_databases", "default"))
            .is_ok()
    );
    assert!(
        config
            .check(&app_with("key_value_stores", "cache"))
            .is_err()
    );
    assert!(
        config
            .check(&app_with("sqlite_databases", "cache"))
            .is_err()
    );
}

#[test]
fn no_address_is_blocked_without_a_file() {
    let blocked = RuntimeConfig::default().blocked;
    assert!(!blocked.blocks("127.0.0.1".parse().unwrap()));
    assert!(!blocked.blocks("::1".parse().unwrap()));
}

#[test]
fn the_environment_has_precedence_over_the_file_of_a_variables_provider() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.env");
    std::fs::write(&file, "SHOP_ONE=file\nSHOP_TWO=\"file\"\n").unwrap();
    let text = format!(
        "[[variables_provider]]\ntype = \"env\"\nprefix = \"SHOP\"\ndotenv_path = {file:?}\n"
    );
    let config = RuntimeConfig::from_text(&text, Path::new("r.toml"), folder.path()).unwrap();
    let process = BTreeMap::from([("SHOP_ONE".into(), "process".into())]);

    let get = |name| config.providers[0].get(name, &process).unwrap();
    assert_eq!(get("one").as_deref(), Some("process"));
    assert_eq!(get("two").as_deref(), Some("file"));
    assert_eq!(get("three"), None);
}

fn describe(config: &RuntimeConfig) -> String {
    let mut text = String::new();
    for (label, path) in &config.sqlite {
        writeln!(text, "sqlite {label}: {}", path.display()).unwrap();
    }
    for (label, path) in &config.key_value {
        writeln!(text, "key-value {label}: {}", path.display()).unwrap();
    }
    if let Some(path) = &config.state_dir {
        writeln!(text, "state in {}", path.display()).unwrap();
    }
    if let Some(path) = &config.log_dir {
        writeln!(text, "logs in {}", path.display()).unwrap();
    }
    if let Some(bytes) = config.max_instance_memory {
        writeln!(text, "memory up to {bytes}").unwrap();
    }
    text
}

fn result(config: &RuntimeConfig, query: &str) -> String {
    let (verb, rest) = query.split_once(' ').unwrap();
    let result = match verb {
        "blocks" => config
            .blocked
            .blocks(rest.parse::<IpAddr>().unwrap())
            .to_string(),
        "variable" => variable(config, rest),
        "key-value" => defined(config, "key_value_stores", rest),
        "sqlite" => defined(config, "sqlite_databases", rest),
        other => panic!("unknown query `{other}`"),
    };
    format!("{query} -> {result}\n")
}

fn variable(config: &RuntimeConfig, name: &str) -> String {
    let process = BTreeMap::new();
    let values = config
        .providers
        .iter()
        .map(|provider| provider.get(name, &process).unwrap());
    format!("{:?}", values.collect::<Vec<_>>())
}

fn defined(config: &RuntimeConfig, list: &str, label: &str) -> String {
    match config.check(&app_with(list, label)) {
        Ok(()) => "defined".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn app_with(list: &str, label: &str) -> App {
    let minimal = include_str!("cases/manifests/minimal.toml");
    let manifest = format!("{minimal}{list} = [\"{label}\"]\n");
    App::from_text(&manifest, Path::new("/app"), &Overrides::default()).unwrap()
}
