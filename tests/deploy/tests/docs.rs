//! Links in documents, and consistency of `docs/DEPLOY.md` with the tree and with the manifests.

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use support::{read, root, text_of};

/// Returns the document with continued command lines joined.
fn document() -> String {
    read("docs/DEPLOY.md").replace("\\\n", " ")
}

/// Returns the top-level folders: a word that begins with one of them is a path.
fn folders() -> Vec<String> {
    let entries = std::fs::read_dir(root()).unwrap();
    let folders = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir());
    let names = folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    names
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let edges = |c: char| c.is_whitespace() || "`'\"()[]|,;=<>".contains(c);
    text.split(edges)
        .map(|word| word.trim_start_matches('@').trim_end_matches(['.', ':']))
}

#[test]
fn every_path_in_the_document_exists() {
    let text = document();
    let folders = folders();
    let is_path = |word: &&str| {
        let first = word.split('/').next().unwrap_or_default();
        word.contains('/') && folders.iter().any(|folder| folder == first)
    };
    let paths: BTreeSet<_> = words(&text).filter(is_path).collect();
    assert!(paths.len() >= 10, "{paths:?}");
    for path in paths {
        assert!(root().join(path).exists(), "`{path}`");
    }
}

/// Returns the documents of the tree: those in `docs/`, and those at its root.
fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/decisions"];
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "md"))
        .collect()
}

#[test]
fn every_link_of_every_document_leads_somewhere() {
    let documents = documents();
    assert!(documents.len() >= 15, "{documents:?}");
    for document in documents {
        let text = text_of(&document);
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("https://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = match path {
                "" => document.clone(),
                path => document.parent().unwrap().join(path),
            };
            let place = format!("`{link}` in {}", document.display());
            assert!(file.exists(), "{place}");
            if !anchor.is_empty() {
                assert!(anchors(&text_of(&file)).contains(anchor), "{place}");
            }
        }
    }
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

#[test]
fn every_make_target_exists() {
    let text = document();
    let makefile = read("Makefile");
    let named = text
        .split("make ")
        .skip(1)
        .filter_map(|rest| words(rest).next());
    let is_target = |word: &&str| word.contains('-') || *word == "push";
    let targets: BTreeSet<_> = named.filter(is_target).collect();
    assert_eq!(
        targets,
        BTreeSet::from([
            "build-server-store",
            "deploy-akamai",
            "deploy-cloud",
            "push"
        ])
    );
    for target in targets {
        assert!(
            makefile.contains(&format!("\n{target}:")),
            "no target `{target}`"
        );
    }
}

#[test]
fn its_commands_create_every_secret_that_the_manifests_require() {
    let text = document();
    let mut made = BTreeSet::new();
    for command in text.split("kubectl create secret generic ").skip(1) {
        let line = command.lines().next().unwrap();
        let name = line.split_whitespace().next().unwrap();
        let options = line.split("--from-").skip(1);
        for option in options {
            let key = option.split_once('=').unwrap().1;
            let key = key.split('=').next().unwrap();
            made.insert((name.to_owned(), key.to_owned()));
        }
    }
    let example = read("deploy/spinkube/secrets.example.yaml");
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&example).unwrap();
    let expected = documents.iter().flat_map(|secret| {
        let name = secret["metadata"]["name"].as_str().unwrap();
        let keys = secret["stringData"].as_object().unwrap().keys();
        keys.map(|key| (name.to_owned(), key.clone()))
    });
    assert_eq!(made, expected.collect());
}

#[test]
fn its_placeholders_match_those_of_the_configuration() {
    let text = document();
    let form = read("deploy/spin/libsql-redis.toml");
    for place in [
        "LIBSQL_HOST",
        "LIBSQL_TOKEN",
        "REDIS_HOST",
        "REDIS_PASSWORD",
    ] {
        assert!(
            form.contains(place) && text.contains(&format!("s|{place}|${place}|")),
            "{place}"
        );
    }
}

#[test]
fn every_overlay_is_described() {
    let text = document();
    let overlays = std::fs::read_dir(root().join("deploy/spinkube/overlays")).unwrap();
    for overlay in overlays {
        let name = overlay.unwrap().file_name();
        let path = format!("`deploy/spinkube/overlays/{}`", name.to_str().unwrap());
        assert!(text.contains(&path), "{path}");
    }
}
