//! Texts with `{{ name }}` placeholders.

use config_diagnostics::did_you_mean;

use super::error::VariableError;
use super::value::Variables;

/// A text with placeholders for the values of variables.
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

    /// Returns `true` if it uses a secret variable.
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

    /// Fills in the values of the variables.
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
