//! Diagnostics for settings that Spin supports and `spin-local` does not.

use config_diagnostics::{Diagnostics, Entry};

/// Returns the diagnostic for an unsupported key.
pub(crate) fn unsupported(entry: &Entry<'_>) -> Diagnostics {
    entry.fault(format!("`{}` is not supported by spin-local", entry.path))
}

/// Returns the diagnostic for an unsupported form of a key. `form` describes it with a leading
/// space, and `advice` is the way around it.
pub(crate) fn unsupported_form(entry: &Entry<'_>, form: &str, advice: &str) -> Diagnostics {
    entry.fault(format!(
        "`{}`{form} is not supported by spin-local: {advice}",
        entry.path
    ))
}
