//! Errors of the platform, by the names of their variants.

use serde_json::{Value, json};
use spin_sdk::{key_value, sqlite, variables};

/// Returns `{"error": name}`, with the message of the variant if it has one.
pub fn error(name: &str, message: Option<&str>) -> Value {
    match message {
        None => json!({ "error": name }),
        Some(message) => json!({ "error": name, "message": message }),
    }
}

pub fn of_key_value(error: &key_value::Error) -> Value {
    use key_value::Error;
    match error {
        Error::StoreTableFull => self::error("store-table-full", None),
        Error::NoSuchStore => self::error("no-such-store", None),
        Error::AccessDenied => self::error("access-denied", None),
        Error::Other(message) => self::error("other", Some(message)),
    }
}

pub fn of_sqlite(error: &sqlite::Error) -> Value {
    use sqlite::Error;
    match error {
        Error::NoSuchDatabase => self::error("no-such-database", None),
        Error::AccessDenied => self::error("access-denied", None),
        Error::InvalidConnection => self::error("invalid-connection", None),
        Error::DatabaseFull => self::error("database-full", None),
        Error::Io(message) => self::error("io", Some(message)),
    }
}

pub fn of_variables(error: &variables::Error) -> Value {
    use variables::Error;
    match error {
        Error::InvalidName(message) => self::error("invalid-name", Some(message)),
        Error::Undefined(message) => self::error("undefined", Some(message)),
        Error::Provider(message) => self::error("provider", Some(message)),
        Error::Other(message) => self::error("other", Some(message)),
    }
}

/// Derives the name of a variant from its `Debug` output: `Type::CamelCase(…)` is `camel-case`.
pub fn name_of(debug: &str) -> String {
    let path = debug
        .split(|c: char| !c.is_alphanumeric() && c != ':')
        .next()
        .unwrap_or_default();
    let mut name = String::new();
    for letter in path.rsplit(':').next().unwrap_or_default().chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    name
}
