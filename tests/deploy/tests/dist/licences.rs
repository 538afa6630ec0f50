//! The licences of third-party crates.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::process::{root, run, toml};

/// Returns the alternatives of an SPDX expression, each as a set of licences.
fn choices(expression: &str) -> Vec<BTreeSet<String>> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let spaced = spaced.replace('/', " OR ").replace(" WITH ", "~WITH~");
    let words: Vec<String> = spaced
        .split_whitespace()
        .map(|word| word.replace('~', " "))
        .collect();
    let mut words = words.as_slice();
    let choices = any_of(&mut words);
    assert!(words.is_empty(), "`{expression}` is not understood");
    choices
}

fn any_of(words: &mut &[String]) -> Vec<BTreeSet<String>> {
    let mut choices = all_of(words);
    while words.first().is_some_and(|word| word == "OR") {
        *words = &words[1..];
        choices.extend(all_of(words));
    }
    choices
}

fn all_of(words: &mut &[String]) -> Vec<BTreeSet<String>> {
    let mut choices = term(words);
    while words.first().is_some_and(|word| word == "AND") {
        *words = &words[1..];
        let others = term(words);
        let both = |one: &BTreeSet<String>| {
            let one = one.clone();
            others
                .iter()
                .map(move |other| one.union(other).cloned().collect())
        };
        choices = choices.iter().flat_map(both).collect();
    }
    choices
}

fn term(words: &mut &[String]) -> Vec<BTreeSet<String>> {
    let (first, rest) = words.split_first().expect("a licence");
    *words = rest;
    if first != "(" {
        return vec![BTreeSet::from([first.clone()])];
    }
    let inner = any_of(words);
    let (last, rest) = words.split_first().expect("a parenthesis");
    assert_eq!(last, ")");
    *words = rest;
    inner
}

fn texts(value: &toml::Value) -> BTreeSet<String> {
    let texts = value.as_array().into_iter().flatten();
    texts
        .map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn every_crate_has_a_licence_in_deny_toml_and_every_entry_is_used() {
    let deny = toml("deny.toml");
    let allowed = texts(&deny["licenses"]["allow"]);
    let exceptions = deny["licenses"]["exceptions"].as_array().expect("a list");
    let exceptions: BTreeMap<&str, BTreeSet<String>> = exceptions
        .iter()
        .map(|e| (e["crate"].as_str().expect("a text"), texts(&e["allow"])))
        .collect();
    let mut command = Command::new("cargo");
    command
        .args(["metadata", "--format-version", "1", "--all-features"])
        .current_dir(root());
    for target in texts(&deny["graph"]["targets"]) {
        command.args(["--filter-platform", &target]);
    }
    let metadata: Value = serde_json::from_str(&run(&mut command)).expect("it is JSON");
    let mut used = BTreeSet::new();
    for package in metadata["packages"].as_array().expect("a list") {
        let name = package["name"].as_str().expect("a text");
        let expression = package["license"].as_str();
        let expression = expression.unwrap_or_else(|| panic!("{name} names no licence"));
        let mut allowed = allowed.clone();
        allowed.extend(exceptions.get(name).into_iter().flatten().cloned());
        let choices = choices(&expression.replace('+', ""));
        let fits = choices.iter().find(|choice| choice.is_subset(&allowed));
        assert!(fits.is_some(), "{name}: {expression}");
        // Alternatives count as used even if another one would suffice, as in `cargo deny`.
        used.extend(choices.into_iter().flatten());
    }
    let unused: Vec<&String> = allowed.difference(&used).collect();
    assert!(unused.is_empty(), "{unused:?}");
}
