//! Texts with `{{ name }}` in them.

use super::{VariableError, Variables};
use crate::toml_text::did_you_mean;

/// Text with `{{ name }}` where the value of a variable goes.
pub(crate) struct Template<'t>(Vec<Part<'t>>);

enum Part<'t> {
    Literal(&'t str),
    Variable(&'t str),
}

impl<'t> Template<'t> {
    pub(crate) fn parse(mut text: &'t str) -> Result<Self, VariableError> {
        let mut parts = Vec::new();
        while let Some((literal, rest)) = text.split_once("{{") {
            let (name, rest) = rest.split_once("}}").ok_or(VariableError::Unclosed)?;
            parts.push(Part::Literal(literal));
            parts.push(Part::Variable(name.trim()));
            text = rest;
        }
        parts.push(Part::Literal(text));
        Ok(Self(parts))
    }

    pub(crate) fn is_literal(&self) -> bool {
        self.names().next().is_none()
    }

    /// Whether the value of a secret variable goes into it.
    pub(crate) fn is_secret(&self, variables: &Variables) -> bool {
        self.names()
            .any(|name| variables.get(name).is_some_and(|v| v.secret))
    }

    fn names(&self) -> impl Iterator<Item = &'t str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Variable(name) => Some(*name),
        })
    }

    /// The text with every variable's value in its place.
    pub(crate) fn fill(&self, variables: &Variables) -> Result<String, VariableError> {
        let parts = self.0.iter().map(|part| match part {
            Part::Literal(text) => Ok(*text),
            Part::Variable(name) => match variables.get(*name) {
                Some(variable) => Ok(variable.value.as_str()),
                None => Err(unknown(name, variables)),
            },
        });
        parts.collect()
    }
}

fn unknown(name: &str, variables: &Variables) -> VariableError {
    VariableError::Unknown {
        name: name.to_owned(),
        nearest: did_you_mean(name, variables.keys().map(String::as_str)),
    }
}
