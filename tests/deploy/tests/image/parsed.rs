//! Parsed Dockerfiles.

use crate::process::text;

/// The images of this repository, by the names of their Dockerfiles.
pub const IMAGES: [&str; 2] = ["sender", "apps"];

/// A build stage: `FROM` and the instructions after it.
pub struct Stage {
    pub from: String,
    /// The instructions in order, each with its arguments.
    instructions: Vec<(String, String)>,
}

impl Stage {
    pub fn all(&self, instruction: &str) -> Vec<&str> {
        let found = self.instructions.iter();
        let found = found.filter(|(name, _)| name == instruction);
        found.map(|(_, rest)| rest.as_str()).collect()
    }

    pub fn one(&self, instruction: &str) -> &str {
        let found = self.all(instruction);
        assert_eq!(found.len(), 1, "`{instruction}`: {found:?}");
        found[0]
    }

    /// Returns the words of `ENTRYPOINT`, `CMD` or `HEALTHCHECK … CMD` in exec form.
    pub fn words(&self, instruction: &str) -> Vec<String> {
        let rest = self.one(instruction);
        let list = rest.find('[').map(|start| &rest[start..]);
        let words = list.and_then(|list| serde_json::from_str(list).ok());
        words.unwrap_or_else(|| panic!("`{instruction} {rest}` is not a list of words"))
    }

    pub fn label(&self, name: &str) -> String {
        let named = format!("org.opencontainers.image.{name}=\"");
        let (_, rest) = self
            .one("LABEL")
            .split_once(&named)
            .unwrap_or_else(|| panic!("no label `{name}`"));
        let value = rest.split('"').next();
        value.unwrap_or_default().to_owned()
    }
}

pub fn stages(image: &str) -> Vec<Stage> {
    let path = format!("deploy/container/{image}.Dockerfile");
    let mut stages: Vec<Stage> = Vec::new();
    let mut whole = String::new();
    for line in text(&path).lines().filter(|line| !line.starts_with('#')) {
        whole.push_str(line.trim_end_matches('\\'));
        if line.ends_with('\\') || whole.trim().is_empty() {
            continue;
        }
        let line = std::mem::take(&mut whole);
        let (instruction, rest) = line.trim().split_once(' ').expect("it has arguments");
        match (instruction, stages.last_mut()) {
            ("FROM", _) => stages.push(Stage {
                from: rest.to_owned(),
                instructions: Vec::new(),
            }),
            (_, Some(stage)) => stage.instructions.push((instruction.into(), rest.into())),
            (_, None) => panic!("`{path}`: `{line}` is before the first stage"),
        }
    }
    stages
}

pub fn last_stage(image: &str) -> Stage {
    stages(image).pop().expect("it has a stage")
}

/// Returns `true` for a tag that starts with a version or a release of Debian.
pub fn is_pinned(image: &str) -> bool {
    let tag = image.split_once(':').map(|(_, tag)| tag);
    tag.is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_digit()) || tag == "trixie-slim")
}
