//! The nearest known name, for messages about an unknown one.

/// The Jaro-Winkler similarity from which a known name is suggested. Below it, a suggestion
/// misleads more often than it helps.
const SIMILARITY: f64 = 0.7;

/// Returns the one of `known` that is most similar to `name`.
fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(similarity, _)| *similarity >= SIMILARITY)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

/// Returns ``"; did you mean `NAME`?"`` with the known name that is most similar to `name`, or an
/// empty text if none is similar.
pub fn did_you_mean<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(name, known).map_or(String::new(), |known| format!("; did you mean `{known}`?"))
}

/// Returns the message for a `kind` of name that is not among `known`.
pub fn unknown_name(kind: &str, name: &str, known: &[&str]) -> String {
    format!("unknown {kind} `{name}`{}", suggestion(name, known))
}

/// Returns the nearest known name, or all of them if none is near.
pub(crate) fn suggestion(name: &str, known: &[&str]) -> String {
    if nearest(name, known.iter().copied()).is_some() {
        did_you_mean(name, known.iter().copied())
    } else {
        format!("; known are {}", quoted_list(known))
    }
}

/// Returns the names in backticks, separated by commas.
pub fn quoted_list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
