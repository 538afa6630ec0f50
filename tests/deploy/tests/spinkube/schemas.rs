//! Validation of resources with JSON Schema: by the schemas in `schemas/`, and those of Kubernetes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Mutex;

use jsonschema::Validator;
use serde_json::Value;

use super::published::Published;
use crate::support::{files_under, text_of};

/// The schema to which all others refer.
const COMMON: &str = "common";

pub struct Schemas {
    /// The schemas in `schemas/`, by the lower-case kinds of resources.
    own: BTreeMap<String, Validator>,
    published: Option<Published>,
    /// The faults of every resource that was checked, by its JSON: most are in several builds.
    known: Mutex<HashMap<String, Vec<String>>>,
}

impl Schemas {
    pub fn load(folder: &Path) -> Self {
        let texts = files_under(folder).into_iter().map(|file| {
            let schema: Value = serde_json::from_str(&text_of(&file)).unwrap();
            let name = file.file_stem().unwrap().to_str().unwrap();
            (name.to_owned(), schema)
        });
        let mut schemas: BTreeMap<_, _> = texts.collect();
        let common = schemas.remove(COMMON).unwrap();
        let compiled = schemas.into_iter().map(|(name, mut schema)| {
            // The schema is embedded and found by its `$id`: nothing is fetched.
            schema["$defs"][COMMON] = common.clone();
            let validator = jsonschema::draft202012::new(&schema);
            let validator = validator.unwrap_or_else(|error| panic!("{name}.json: {error}"));
            (name, validator)
        });
        Self {
            own: compiled.collect(),
            published: Published::available(),
            known: Mutex::default(),
        }
    }

    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.own.keys().map(String::as_str)
    }

    /// Returns the faults of a resource with their paths.
    pub fn faults(&self, document: &Value) -> Vec<String> {
        let mut known = self.known.lock().unwrap();
        let faults = known.entry(document.to_string());
        faults.or_insert_with(|| self.check(document)).clone()
    }

    fn check(&self, document: &Value) -> Vec<String> {
        let kind = document["kind"].as_str().unwrap_or_default();
        let Some(validator) = self.own.get(&kind.to_lowercase()) else {
            return vec![format!("no schema for kind `{kind}`")];
        };
        let name = document["metadata"]["name"].as_str().unwrap_or("?");
        let errors = validator.iter_errors(document);
        let own =
            errors.map(|error| format!("{kind} `{name}`: {}: {error}", error.instance_path()));
        let published = self.published.as_ref();
        let published = published.map_or(Vec::new(), |published| published.faults(document));
        own.chain(published).collect()
    }
}
