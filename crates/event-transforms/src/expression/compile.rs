//! Compiles the text of an expression: parses it, checks it, and inserts the meter.

use cel::common::ast::{IdedExpr, SourceInfo};
use cel::parser::ParseErrors;

use super::check::{Checker, MAX_DEPTH, TOO_DEEP};
use super::meter::ENV;

/// The largest size of an expression in bytes.
pub const MAX_SOURCE_BYTES: usize = 8 * 1024;

/// The stack of the parser, which the longest expression cannot exhaust: the parser recurses before
/// the depth of the expression is known.
const PARSER_STACK_BYTES: usize = 64 << 20;

/// The reason for which an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.prefix())]
pub struct CompileError {
    /// Line and column, counted from 1; `None` for a fault of the whole expression.
    pub position: Option<(usize, usize)>,
    /// The description of the fault.
    pub message: String,
}

impl CompileError {
    fn whole(message: impl Into<String>) -> Self {
        Self {
            position: None,
            message: message.into(),
        }
    }

    fn prefix(&self) -> String {
        match self.position {
            Some((line, column)) => format!("line {line}, column {column}: "),
            None => String::new(),
        }
    }
}

/// A compiled expression.
#[derive(Debug)]
pub struct Compiled {
    pub root: IdedExpr,
    /// Set if its cost can exceed its length.
    pub loops: bool,
}

/// # Errors
///
/// A [`CompileError`] for an expression that is too long, cannot be parsed, or has an unsupported
/// construct.
pub fn compile(source: &str) -> Result<Compiled, CompileError> {
    if source.len() > MAX_SOURCE_BYTES {
        return Err(CompileError::whole(format!(
            "an expression of {} bytes; at most {MAX_SOURCE_BYTES} are allowed",
            source.len()
        )));
    }
    if source.trim().is_empty() {
        return Err(CompileError::whole("the expression is empty"));
    }
    let source = source.to_owned();
    std::thread::Builder::new()
        .name("cel".into())
        .stack_size(PARSER_STACK_BYTES)
        .spawn(move || parse(&source))
        .map_err(|error| CompileError::whole(format!("no thread to compile on: {error}")))?
        .join()
        .unwrap_or_else(|_| Err(CompileError::whole("the expression breaks the parser")))
}

fn parse(source: &str) -> Result<Compiled, CompileError> {
    let parser = ENV
        .parser()
        .enable_optional_syntax(false)
        .max_recursion_depth(MAX_DEPTH as u16);
    let (root, info) = parser
        .parse_with_source_info(source)
        .map_err(syntax_error)?;
    let mut checker = Checker::default();
    match checker.check(root) {
        Ok(root) => Ok(Compiled {
            root,
            loops: checker.loops,
        }),
        Err(fault) => Err(CompileError {
            position: place(&info, fault.id),
            message: fault.message,
        }),
    }
}

fn syntax_error(errors: ParseErrors) -> CompileError {
    let Some(first) = errors.errors.into_iter().next() else {
        return CompileError::whole("the expression cannot be parsed");
    };
    let text = if first.msg.contains("Recursion limit") {
        TOO_DEEP
    } else {
        first.msg.trim_start_matches("Syntax error: ")
    };
    let text = text
        .split(" expecting ")
        .next()
        .unwrap_or(text)
        .replace("'<EOF>'", "the end");
    let place = |at: isize| usize::try_from(at).unwrap_or_default();
    CompileError {
        position: (first.pos.0 > 0).then(|| (place(first.pos.0), place(first.pos.1))),
        message: text.chars().take(200).collect(),
    }
}

/// Returns the line and column of a node.
fn place(info: &SourceInfo, id: u64) -> Option<(usize, usize)> {
    let (start, _) = info.offset_for(id)?;
    let before: Vec<char> = info.source.chars().take(start as usize).collect();
    let line = before.iter().filter(|c| **c == '\n').count() + 1;
    let column = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
    Some((line, column))
}
