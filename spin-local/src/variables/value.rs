//! The variables of an app with their values.

use std::collections::BTreeMap;

/// A variable of an app.
pub(crate) struct Variable {
    pub(crate) value: String,
    /// Set if the manifest declares the variable as secret.
    pub(crate) secret: bool,
}

/// The variables of an app by name.
pub(crate) type Variables = BTreeMap<String, Variable>;
