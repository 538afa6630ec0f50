//! Every runtime configuration in `tests/cases/runtime_configs` is read as expected, or refused
//! in the expected words.
//!
//! Comments ask questions of what was read: `#> blocks <address>`, `#> variable <name>`, and
//! `#> key-value <label>` or `#> sqlite <label>` for a component that has such a label.

mod cases;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use spin_local::{App, Given, RuntimeConfig};

#[test]
fn every_runtime_configuration_is_read_or_refused_as_expected() {
    cases::check("runtime_configs", "toml", 20, |text| {
        let path = Path::new("config/runtime.toml");
        match RuntimeConfig::from_text(text, path, Path::new("/srv")) {
            Err(error) => format!("refused: {error}\n"),
            Ok(config) => {
                let questions = text.lines().filter_map(|line| line.strip_prefix("#> "));
                let answers = questions.map(|question| answer(&config, question));
                [describe(&config), answers.collect()].concat()
            }
        }
    });
}

#[test]
fn without_a_file_only_the_default_labels_are_there() {
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
fn without_a_file_no_address_is_blocked() {
    let blocked = RuntimeConfig::default().blocked;
    assert!(!blocked.blocks("127.0.0.1".parse().unwrap()));
    assert!(!blocked.blocks("::1".parse().unwrap()));
}

#[test]
fn a_variables_provider_reads_the_environment_before_its_file() {
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

fn answer(config: &RuntimeConfig, question: &str) -> String {
    let (verb, rest) = question.split_once(' ').unwrap();
    let answer = match verb {
        "blocks" => config
            .blocked
            .blocks(rest.parse::<IpAddr>().unwrap())
            .to_string(),
        "variable" => variable(config, rest),
        "key-value" => defined(config, "key_value_stores", rest),
        "sqlite" => defined(config, "sqlite_databases", rest),
        other => panic!("unknown question `{other}`"),
    };
    format!("{question} -> {answer}\n")
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
    App::from_text(&manifest, Path::new("/app"), &Given::default()).unwrap()
}
