//! The receivers in `docs/SIGNATURES.md`.

const DOCUMENT: &str = include_str!("../../../docs/SIGNATURES.md");

/// Returns the code block of `language` that contains a line with `definition`.
///
/// # Panics
/// Panics if the document has none, or more than one.
pub fn receiver(language: &str, definition: &str) -> String {
    let found: Vec<_> = blocks(language)
        .filter(|code| code.lines().any(|line| line.starts_with(definition)))
        .collect();
    assert_eq!(
        found.len(),
        1,
        "receivers in `{language}` with `{definition}` in docs/SIGNATURES.md"
    );
    found.concat()
}

fn blocks(language: &str) -> impl Iterator<Item = String> {
    let fence = format!("```{language}");
    let mut lines = DOCUMENT.lines();
    std::iter::from_fn(move || {
        lines.find(|line| *line == fence)?;
        let code = lines.by_ref().take_while(|line| *line != "```");
        Some(code.flat_map(|line| [line, "\n"]).collect())
    })
}
