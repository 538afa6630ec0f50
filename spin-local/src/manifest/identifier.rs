//! The forms of names that Spin accepts for components, stores and variables.

/// Returns `true` for kebab-case, each word in lower or in upper case: the name of a component.
pub(super) fn is_kebab(name: &str) -> bool {
    name.split('-').all(|word| is_word(word, false))
}

/// Returns `true` for kebab-case or snake_case: the label of a store or a database.
pub(super) fn is_label(name: &str) -> bool {
    is_kebab(name) || name.split('_').all(|word| is_word(word, false))
}

/// Returns `true` for lower_snake_case: the name of a variable.
pub(super) fn is_lower_snake(name: &str) -> bool {
    name.split('_').all(|word| is_word(word, true))
}

/// Returns `true` for lower-kebab-case: the namespace or the name of a package.
pub(super) fn is_lower_kebab(name: &str) -> bool {
    name.split('-').all(|word| is_word(word, true))
}

fn is_word(word: &str, lower_only: bool) -> bool {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let starts_with_letter = word.starts_with(|c: char| c.is_ascii_alphabetic());
    starts_with_letter && (word.chars().all(lower) || (!lower_only && word.chars().all(upper)))
}
