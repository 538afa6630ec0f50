//! The software bills of materials (SBOM) of the binaries.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::process::version;
use crate::release::release;

#[test]
fn an_sbom_lists_every_crate_of_its_binary_with_its_dependents() {
    let known = [
        (
            "webhook-sender",
            ["rusqlite", "libsqlite3-sys", "ring", "cel", "signature"],
        ),
        (
            "spin-local",
            [
                "rusqlite",
                "wac-graph",
                "ring",
                "wasmtime-wasi-http",
                "toml_parser",
            ],
        ),
    ];
    for (binary, known) in known {
        let list = release().parts(binary);
        assert_eq!(list["bomFormat"], "CycloneDX");
        let described = &list["metadata"]["component"];
        assert_eq!(described["name"], binary);
        assert_eq!(described["version"], version().as_str());
        let parts = list["components"].as_array().expect("a list");
        for part in parts {
            assert!(part["licenses"][0]["expression"].is_string(), "{part}");
            // All crates except those of the workspace come from a registry and have a checksum.
            let ours = part.get("purl").is_none();
            assert_eq!(ours, part.get("hashes").is_none(), "{part}");
        }
        let names: Vec<&str> = parts
            .iter()
            .filter_map(|part| part["name"].as_str())
            .collect();
        for name in known {
            assert!(names.contains(&name), "{binary}: {name}");
        }
        assert!(!names.contains(&"wat"), "{binary}: only tests use it");
        let reference = |part: &Value| part["bom-ref"].as_str().map(str::to_owned);
        let all = std::iter::once(described).chain(parts);
        let references: BTreeSet<String> = all.filter_map(reference).collect();
        assert_eq!(references.len(), parts.len() + 1);
        let needed: BTreeSet<String> = list["dependencies"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|entry| entry["dependsOn"].as_array().cloned().unwrap_or_default())
            .filter_map(|reference| reference.as_str().map(str::to_owned))
            .collect();
        let own = reference(described).expect("it has one");
        let but_own: BTreeSet<String> = references.into_iter().filter(|r| *r != own).collect();
        assert_eq!(
            needed, but_own,
            "something is needed by nothing, or not listed"
        );
    }
}
