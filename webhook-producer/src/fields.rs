//! Parsing of a JSON object with known members.
//!
//! Each fault of such a body has its own problem: not JSON, not an object, a member that is unknown,
//! missing, duplicated, or of the wrong type. In bodies from other systems, unknown members are
//! ignored.

use std::fmt;

use problem_details::Problem;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::problems;

/// The members of an object, each with its original JSON text.
pub struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// Parses `body` as an object that has only `known` members, without duplicates.
    pub fn read(body: &[u8], known: &[&str]) -> Result<Self, Problem> {
        let fields: Self = serde_json::from_slice(body).map_err(explain)?;
        match fields
            .0
            .iter()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            Some((name, _)) => Err(problems::unknown_field(name, known)),
            None => fields.without_duplicates(),
        }
    }

    /// Parses `body` as an object without duplicates of `known` members; other members are ignored.
    pub fn read_known(body: &[u8], known: &[&str]) -> Result<Self, Problem> {
        let mut fields: Self = serde_json::from_slice(body).map_err(explain)?;
        fields.0.retain(|(name, _)| known.contains(&name.as_str()));
        fields.without_duplicates()
    }

    fn without_duplicates(self) -> Result<Self, Problem> {
        let fields = self;
        for (index, (name, _)) in fields.0.iter().enumerate() {
            if fields.0.iter().take(index).any(|(other, _)| other == name) {
                return Err(problems::duplicate_field(name));
            }
        }
        Ok(fields)
    }

    /// Returns the member `name` as a text.
    pub fn text(&self, name: &str) -> Result<String, Problem> {
        let value = self.raw(name)?;
        serde_json::from_str(value.get()).map_err(|_| problems::bad_field(name, "a string"))
    }

    /// Returns the original JSON text of the member `name`.
    pub fn raw(&self, name: &str) -> Result<&RawValue, Problem> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_ref())
            .ok_or_else(|| problems::missing_field(name))
    }
}

/// Converts a parser error. Its message is only passed on for broken JSON: otherwise it may quote the
/// body.
fn explain(error: serde_json::Error) -> Problem {
    match error.classify() {
        Category::Syntax | Category::Eof => problems::broken_json(&error.to_string()),
        Category::Data | Category::Io => problems::not_an_object(),
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

/// A visitor that keeps every member, including duplicates.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some(member) = members.next_entry()? {
            fields.push(member);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &str) -> &'static str {
        match Fields::read(body.as_bytes(), &["event", "data"]) {
            Ok(_) => "none",
            Err(problem) => problem.code(),
        }
    }

    #[test]
    fn every_fault_has_its_code() {
        let cases = [
            (r#"{"event": "e", "data": 1}"#, "none"),
            ("", "broken-json"),
            ("{", "broken-json"),
            (r#"{"event": "e",}"#, "broken-json"),
            (r#"{"event": "e"} trailing"#, "broken-json"),
            (r#"{"event": 'e'}"#, "broken-json"),
            ("[]", "not-an-object"),
            ("\"text\"", "not-an-object"),
            ("null", "not-an-object"),
            (r#"{"evnt": "e"}"#, "unknown-field"),
            (r#"{"event": "e", "event": "f"}"#, "duplicate-field"),
            (r#"{"event": "e", "\u0065vent": "f"}"#, "duplicate-field"),
        ];
        for (body, expected) in cases {
            assert_eq!(code(body), expected, "{body}");
        }
    }

    #[test]
    fn unknown_members_are_ignored_in_bodies_from_other_systems() {
        let code = |body: &str| {
            let read = Fields::read_known(body.as_bytes(), &["url", "event"]);
            read.err().map_or("none", |problem| problem.code())
        };
        assert_eq!(
            code(r#"{"url": "u", "event": "e", "x": 1, "x": 2}"#),
            "none"
        );
        assert_eq!(
            code(r#"{"url": "u", "x": 1, "url": "v"}"#),
            "duplicate-field"
        );
        assert_eq!(code("[]"), "not-an-object");
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_broken_json() {
        let body = b"{\"event\": \"\xff\"}";
        let problem = Fields::read(body, &["event"]).err().unwrap();
        assert_eq!(problem.code(), "broken-json");
    }

    #[test]
    fn a_missing_or_mistyped_member_is_reported_by_name() {
        let fields = Fields::read(br#"{"event": 5}"#, &["event", "data"])
            .ok()
            .unwrap();
        let mistyped = fields.text("event").unwrap_err();
        assert_eq!(
            mistyped.to_string(),
            "bad-field: field `event` is not a string"
        );
        let missing = fields.raw("data").unwrap_err();
        assert_eq!(
            missing.to_string(),
            "missing-field: field `data` is missing"
        );
    }

    #[test]
    fn null_is_a_value() {
        let fields = Fields::read(br#"{"data": null}"#, &["data"]).ok().unwrap();
        assert_eq!(fields.raw("data").unwrap().get(), "null");
    }

    #[test]
    fn a_raw_member_keeps_its_bytes() {
        let body = br#"{"data": {"n": 12345678901234567890.10, "a" : [ 1 ]}}"#;
        let fields = Fields::read(body, &["data"]).ok().unwrap();
        let raw = fields.raw("data").unwrap();
        assert_eq!(raw.get(), r#"{"n": 12345678901234567890.10, "a" : [ 1 ]}"#);
    }

    #[test]
    fn a_deeply_nested_body_is_read_without_recursion() {
        let depth = 100_000;
        let body = format!("{{\"data\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(Fields::read(body.as_bytes(), &["data"]).is_ok());
    }
}
