//! The imports of the apps' components, compared with the environments of their manifests, as
//! `spin build` compares them after it has downloaded the environments.

use std::path::Path;

use test_support::components;
use wit_component::DecodedWasm;

/// An environment of `github.com/spinframework/spin-environments`.
struct Environment {
    name: &'static str,
    /// Its newest WASI 0.2. A component may import an older one, and no newer one.
    wasi: (u64, u64, u64),
}

/// The environments that are compared. `akamai-functions` is not: its interfaces are in a registry only.
const ENVIRONMENTS: [Environment; 2] = [
    Environment {
        name: "spin-up:3.4",
        wasi: (0, 2, 0),
    },
    Environment {
        name: "spin-up:3.6",
        wasi: (0, 2, 6),
    },
];

/// The interfaces of Spin that every environment has.
const INTERFACES: [&str; 6] = [
    "fermyon:spin/key-value@2.0.0",
    "fermyon:spin/postgres@2.0.0",
    "fermyon:spin/rdbms-types@2.0.0",
    "fermyon:spin/redis@2.0.0",
    "fermyon:spin/sqlite@2.0.0",
    "fermyon:spin/variables@2.0.0",
];

impl Environment {
    fn provides(&self, import: &str) -> bool {
        let Some(wasi) = import.strip_prefix("wasi:") else {
            return INTERFACES.contains(&import);
        };
        let version = wasi.rsplit_once('@').map(|(_, version)| version);
        version.is_some_and(|version| numbers(version) <= self.wasi)
    }
}

fn numbers(version: &str) -> (u64, u64, u64) {
    let mut parts = version
        .split('.')
        .map(|part| part.parse().expect("a number"));
    let mut next = || parts.next().expect("three numbers");
    (next(), next(), next())
}

/// Returns the imports of a component, without those that a dependency of its manifest fulfils.
fn imports(file: &Path, dependencies: &[String]) -> Vec<String> {
    let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&bytes).expect("WIT") else {
        panic!("`{}` is not a component", file.display());
    };
    let imports = resolve.worlds[world].imports.keys();
    let names = imports.map(|key| resolve.name_world_key(key));
    let package = |name: &str| name.split(['/', '@']).next().unwrap_or_default().to_owned();
    names
        .filter(|name| !dependencies.iter().any(|one| package(one) == package(name)))
        .collect()
}

/// Checks the components of a manifest, and returns how many imports it has compared.
fn check(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).expect("a manifest");
    let manifest: toml::Table = text.parse().expect("TOML");
    let targets = manifest["application"]["targets"]
        .as_array()
        .expect("a list");
    let mut compared = 0;
    for component in manifest["component"].as_table().expect("a table").values() {
        let source = component["source"].as_str().expect("a path");
        let dependencies = component.get("dependencies").and_then(|it| it.as_table());
        let dependencies: Vec<_> = dependencies
            .into_iter()
            .flat_map(|it| it.keys().cloned())
            .collect();
        let imports = imports(
            &path.parent().expect("a folder").join(source),
            &dependencies,
        );
        for target in targets {
            let target = target.as_str().expect("a name");
            let Some(environment) = ENVIRONMENTS.iter().find(|it| it.name == target) else {
                assert_eq!(target, "akamai-functions", "{}", path.display());
                continue;
            };
            let missing: Vec<_> = imports
                .iter()
                .filter(|it| !environment.provides(it))
                .collect();
            assert!(
                missing.is_empty(),
                "{}: `{target}` lacks {missing:?}",
                path.display()
            );
            compared += imports.len();
        }
    }
    compared
}

#[test]
fn the_components_import_only_what_the_environments_of_their_manifests_provide() {
    components::guarded_app();
    for app in [
        "webhook-producer",
        "webhook-consumer",
        "examples/guarded-app",
    ] {
        let manifests = [
            components::root().join(app).join("spin.toml"),
            components::on_server(app, "postgres"),
            components::on_server(app, "redis"),
        ];
        for manifest in manifests {
            assert!(check(&manifest) > 10, "{}", manifest.display());
        }
    }
}
