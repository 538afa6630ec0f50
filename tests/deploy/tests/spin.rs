//! The runtime configurations of `spin/`, and the manifests of both apps.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use support::{files_under, read, root, text_of, toml_of};
use toml::Value;

const APPS: [&str; 2] = ["webhook-producer", "webhook-consumer"];

#[test]
fn the_folder_contains_these_runtime_configurations() {
    let files = files_under(&root().join("deploy/spin"));
    let names: Vec<_> = files
        .iter()
        .map(|file| file.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["block-private.toml", "libsql-redis.toml", "local.toml"]
    );
}

#[test]
fn block_private_blocks_private_networks_and_does_nothing_else() {
    let expected = "[outbound_networking]\nblock_networks = [\"private\"]"
        .parse()
        .unwrap();
    assert_eq!(toml_of("deploy/spin/block-private.toml"), expected);
}

#[test]
fn libsql_redis_puts_the_default_stores_on_libsql_and_redis() {
    let config = toml_of("deploy/spin/libsql-redis.toml");
    let tables: Vec<_> = config.keys().map(String::as_str).collect();
    assert_eq!(tables, ["key_value_store", "sqlite_database"]);
    let database = config["sqlite_database"]["default"].as_table().unwrap();
    let keys: Vec<_> = database.keys().map(String::as_str).collect();
    assert_eq!(keys, ["token", "type", "url"]);
    assert_eq!(database["type"].as_str(), Some("libsql"));
    // Spin rejects other schemes.
    assert!(database["url"].as_str().unwrap().starts_with("https://"));
    let store = config["key_value_store"]["default"].as_table().unwrap();
    let keys: Vec<_> = store.keys().map(String::as_str).collect();
    assert_eq!(keys, ["type", "url"]);
    assert_eq!(store["type"].as_str(), Some("redis"));
    assert!(store["url"].as_str().unwrap().starts_with("redis://"));
}

#[test]
fn libsql_redis_contains_placeholders_instead_of_secrets() {
    let text = read("deploy/spin/libsql-redis.toml");
    for place in [
        "LIBSQL_HOST",
        "LIBSQL_TOKEN",
        "REDIS_HOST",
        "REDIS_PASSWORD",
    ] {
        assert_eq!(text.matches(place).count(), 1, "{place}");
    }
    let config = toml_of("deploy/spin/libsql-redis.toml");
    assert_eq!(
        config["sqlite_database"]["default"]["token"].as_str(),
        Some("LIBSQL_TOKEN")
    );
}

/// Returns the configuration of the producer as in `docs/DEPLOY.md`.
#[test]
fn the_stores_and_the_blocked_networks_can_be_combined() {
    let both = ["libsql-redis.toml", "block-private.toml"];
    let text: String = both
        .iter()
        .map(|name| read(&format!("deploy/spin/{name}")))
        .collect();
    let config: toml::Table = text.parse().unwrap();
    assert_eq!(config.len(), 3);
}

#[test]
fn local_keeps_the_default_state_folder_and_reads_variables_from_a_file() {
    let expected = r#"
        [sqlite_database.default]
        type = "spin"
        path = ".spin/sqlite_db.db"
        [[variables_provider]]
        type = "env"
        prefix = "SPIN_VARIABLE"
        dotenv_path = ".env"
    "#;
    assert_eq!(toml_of("deploy/spin/local.toml"), expected.parse().unwrap());
}

#[test]
fn every_store_that_an_app_opens_is_in_libsql_redis() {
    let config = toml_of("deploy/spin/libsql-redis.toml");
    for app in APPS {
        let manifest = toml_of(&format!("{app}/spin.toml"));
        let component = &manifest["component"][app];
        for (list, table) in [
            ("sqlite_databases", "sqlite_database"),
            ("key_value_stores", "key_value_store"),
        ] {
            for label in strings(component.get(list)) {
                assert!(config[table].get(&label).is_some(), "{app}: `{label}`");
            }
        }
    }
}

#[test]
fn every_manifest_has_its_schema_its_version_and_a_description() {
    let workspace = toml_of("Cargo.toml");
    let version = &workspace["workspace"]["package"]["version"];
    for app in APPS {
        let path = format!("{app}/spin.toml");
        let first = read(&path).lines().next().unwrap().to_owned();
        assert_eq!(
            first,
            "#:schema https://schemas.spinframework.dev/spin/manifest-v2/latest.json"
        );
        let manifest = toml_of(&path);
        assert_eq!(manifest["spin_manifest_version"].as_integer(), Some(2));
        let application = &manifest["application"];
        assert_eq!(application["name"].as_str(), Some(app));
        assert_eq!(&application["version"], version);
        assert!(application["description"].as_str().unwrap().len() > 20);
    }
}

/// The uses of permissions in the sources.
const USES: [(&str, &str, &str); 5] = [
    ("sqlite_databases", "default", "Connection::open_default()"),
    ("key_value_stores", "default", "Store::open_default()"),
    ("allowed_outbound_hosts", "http://*:*", "OutgoingRequest"),
    ("allowed_outbound_hosts", "https://*:*", "OutgoingRequest"),
    ("allowed_outbound_hosts", "redis://*:*", "spin_sdk::redis"),
];

#[test]
fn an_app_has_exactly_the_permissions_that_it_uses() {
    let sources = [
        ("webhook-producer", vec!["webhook-producer/src"]),
        (
            "webhook-consumer",
            vec!["webhook-consumer/src", "crates/webhook-receiver/src"],
        ),
    ];
    for (app, folders) in sources {
        // The consumer shares code with the guard, and only the guard makes requests. Servers are used
        // with the manifests of the other stores.
        let files = folders
            .iter()
            .flat_map(|folder| files_under(&root().join(folder)));
        let unused = ["outgoing.rs", "servers.rs"]
            .map(|name| format!("crates/webhook-receiver/src/spin/{name}"));
        let files = files.filter(|file| !unused.iter().any(|name| file.ends_with(name)));
        let code: String = files.map(|file| text_of(&file)).collect();
        let manifest = toml_of(&format!("{app}/spin.toml"));
        let component = &manifest["component"][app];
        for list in [
            "sqlite_databases",
            "key_value_stores",
            "allowed_outbound_hosts",
        ] {
            let given: BTreeSet<_> = strings(component.get(list)).collect();
            let used = USES
                .iter()
                .filter(|(of, _, sign)| *of == list && code.contains(sign));
            let mut used: BTreeSet<_> = used.map(|(_, what, _)| (*what).to_owned()).collect();
            if used.contains("redis://*:*") {
                used.insert("rediss://*:*".to_owned());
            }
            assert_eq!(given, used, "{app}: {list}");
        }
    }
}

#[test]
fn every_variable_is_passed_to_the_component_and_tokens_are_secret() {
    for app in APPS {
        let manifest = toml_of(&format!("{app}/spin.toml"));
        let declared = manifest["variables"].as_table().unwrap();
        let handed = manifest["component"][app]["variables"].as_table().unwrap();
        assert_eq!(
            declared.keys().collect::<Vec<_>>(),
            handed.keys().collect::<Vec<_>>()
        );
        for (name, template) in handed {
            assert_eq!(
                template.as_str(),
                Some(format!("{{{{ {name} }}}}").as_str())
            );
        }
        for (name, variable) in declared {
            let secret = variable.get("secret").and_then(Value::as_bool) == Some(true);
            let holds_one = name.ends_with("_token") || name == "stream_url" || name == "store_url";
            assert_eq!(secret, holds_one, "{app}: `{name}`");
        }
    }
}

/// The folders with a manifest for each store, and the component whose store it is.
const ON_A_SERVER: [(&str, &str, &str); 3] = [
    ("webhook-producer", "webhook-producer", "webhook-producer"),
    ("webhook-consumer", "webhook-consumer", "webhook-consumer"),
    ("examples/guarded-app", "guard", "webhook-guard"),
];

#[test]
fn the_manifests_of_the_stores_differ_only_in_what_a_store_needs() {
    for (folder, component, package) in ON_A_SERVER {
        for store in ["postgres", "redis"] {
            let local = without_store(toml_of(&format!("{folder}/spin.toml")), component);
            let path = format!("{folder}/spin.{store}.toml");
            let server = without_store(toml_of(&path), component);
            assert_eq!(local, server, "{path}");
            let manifest = toml_of(&path);
            let commands: Vec<_> =
                strings(manifest["component"][component]["build"].get("command")).collect();
            let builds = |command: &String| {
                command.ends_with(&format!("-p {package} --no-default-features"))
                    && command.contains("target/server-store ")
            };
            assert!(commands.iter().any(builds), "{path}: {commands:?}");
            let source = manifest["component"][component]["source"].as_str().unwrap();
            assert!(
                source.contains("/target/server-store/wasm32-wasip2/release/"),
                "{path}"
            );
        }
    }
}

/// Removes the parts of a manifest that depend on the store of a component.
fn without_store(mut manifest: toml::Table, component: &str) -> toml::Table {
    let application = manifest["application"].as_table_mut().unwrap();
    assert!(application.remove("targets").is_some());
    let variables = manifest["variables"].as_table_mut().unwrap();
    variables.retain(|name, _| name != "store_url" && name != "store_host");
    let component = manifest["component"][component].as_table_mut().unwrap();
    for key in [
        "source",
        "allowed_outbound_hosts",
        "key_value_stores",
        "sqlite_databases",
        "build",
    ] {
        component.remove(key);
    }
    manifest
}

#[test]
fn the_manifest_of_a_store_grants_that_store_and_no_other() {
    for (folder, component, _) in ON_A_SERVER {
        for (store, schemes) in [
            ("postgres", vec!["postgres"]),
            ("redis", vec!["redis", "rediss"]),
        ] {
            let path = format!("{folder}/spin.{store}.toml");
            let manifest = toml_of(&path);
            let local = toml_of(&format!("{folder}/spin.toml"));
            let hosts = |manifest: &toml::Table| -> BTreeSet<String> {
                let component = &manifest["component"][component];
                strings(component.get("allowed_outbound_hosts")).collect()
            };
            let mut expected = hosts(&local);
            // The producer's grants for the stream are for every Redis.
            if (folder, store) != ("webhook-producer", "redis") {
                expected.extend(
                    schemes
                        .iter()
                        .map(|it| format!("{it}://{{{{ store_host }}}}")),
                );
            }
            assert_eq!(hosts(&manifest), expected, "{path}");
            for list in ["key_value_stores", "sqlite_databases"] {
                let granted = manifest["component"][component].get(list);
                assert!(granted.is_none(), "{path}: {list}");
            }
            let required = &manifest["variables"]["store_url"];
            assert_eq!(required["required"].as_bool(), Some(true), "{path}");
            assert_eq!(required["secret"].as_bool(), Some(true), "{path}");
            let targets: Vec<_> = strings(manifest["application"].get("targets")).collect();
            assert!(targets.contains(&"akamai-functions".to_owned()), "{path}");
        }
    }
}

/// Checks the build commands, which `spin build` runs and `spin doctor` checks.
#[test]
fn every_manifest_builds_its_source() {
    for app in APPS {
        let manifest = toml_of(&format!("{app}/spin.toml"));
        let component = &manifest["component"][app];
        let commands: Vec<_> = strings(component["build"].get("command")).collect();
        let sources = [component["source"].as_str().unwrap().to_owned()];
        let dependencies = component["dependencies"].as_table().unwrap().values();
        let dependencies = dependencies.map(|one| one["path"].as_str().unwrap().to_owned());
        for file in dependencies.chain(sources) {
            let name = Path::new(&file).file_stem().unwrap().to_str().unwrap();
            let package = name.replace('_', "-");
            let wanted = format!("cargo build --release --target wasm32-wasip2 -p {package}");
            assert!(commands.contains(&wanted), "{app}: nothing builds `{file}`");
            let folder = root().join(app);
            let named = folder.join(Path::new(&file).parent().unwrap());
            let built = root().join("target/wasm32-wasip2/release");
            std::fs::create_dir_all(&built).unwrap();
            let found = |path: &Path| path.canonicalize().unwrap();
            assert_eq!(found(&named), found(&built), "{app}: `{file}`");
        }
    }
}

/// `spin watch` sees the folder of the manifest and the targets of its links. A pattern outside the folder
/// matches nothing, and an app with a `source` outside is rebuilt and never restarted.
#[test]
fn spin_watch_has_no_pattern_outside_the_folder_of_the_manifest() {
    for app in APPS {
        let manifest = toml_of(&format!("{app}/spin.toml"));
        let component = &manifest["component"][app];
        let watched: BTreeSet<_> = strings(component["build"].get("watch")).collect();
        assert!(watched.contains("src/**/*.rs"), "{app}: {watched:?}");
        let source = component["source"].as_str().unwrap().to_owned();
        for seen in watched.into_iter().chain([source]) {
            assert!(!seen.contains(".."), "{app}: `{seen}`");
        }
    }
}

fn strings(list: Option<&Value>) -> impl Iterator<Item = String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.map(|item| item.as_str().unwrap().to_owned())
}
