//! Runs compiled expressions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, SelectExpr, operators};
use cel::common::types::CelBool;
use cel::{Context, ExecutionError, Value};

use super::compile::{self, CompileError};
use super::meter::{self, ENV};
use super::vars::Vars;
use super::write::{WriteError, Writer, key_text};
use crate::text::short;

/// A compiled filter or transform. Compiled once per version of an endpoint.
#[derive(Debug)]
pub struct Program(compile::Compiled);

/// The reason for which a program returned no value for an event.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The event does not have the form that the expression expects.
    #[error("{0}")]
    Failed(String),
    #[error("the filter's value is of type `{0}`, not `bool`")]
    NotBool(String),
    #[error("too much work for one event")]
    TooMuchWork,
    #[error("the expression breaks the interpreter")]
    Panicked,
}

impl Program {
    /// # Errors
    ///
    /// A [`CompileError`] with the position of the fault in the expression.
    pub fn compile(source: &str) -> Result<Self, CompileError> {
        compile::compile(source).map(Self)
    }

    /// Returns true if it may take more than some microseconds and the time for parsing the data.
    pub fn may_take_long(&self) -> bool {
        self.0.loops
    }

    /// Returns the value of a filter: true if it accepts the event.
    ///
    /// # Errors
    ///
    /// A [`RunError`].
    pub fn accepts(&self, vars: &Vars<'_>) -> Result<bool, RunError> {
        self.run(vars, |root, context| {
            let value = Value::resolve_val(root, context)?;
            let accepts = value
                .downcast_ref::<CelBool>()
                .map(|accepts| *accepts.inner());
            accepts.ok_or_else(|| Stop::Kind(value.get_type().name().to_owned()))
        })
    }

    /// Returns the value as compact JSON of at most `max` bytes. Map literals keep the order of
    /// their keys; the keys of other maps are sorted. `event.data` as a whole is copied byte for
    /// byte.
    ///
    /// # Errors
    ///
    /// A [`RunError`].
    pub fn body(&self, vars: &Vars<'_>, max: usize) -> Result<Vec<u8>, RunError> {
        self.run(vars, |root, context| {
            let mut writer = Writer::new(max);
            write(&mut writer, root, context, vars.text())?;
            Ok(writer.finish())
        })
    }

    fn run<T>(
        &self,
        vars: &Vars<'_>,
        evaluate: impl FnOnce(&IdedExpr, &Context<'_, '_>) -> Result<T, Stop>,
    ) -> Result<T, RunError> {
        let run = || {
            let mut context = Context::with_env(ENV.clone());
            context.set_variable_resolver(vars);
            evaluate(&self.0.root, &context)
        };
        // A panic leaves no inconsistent state: the context is dropped, and the values in `vars`
        // are written completely or not at all.
        let (ended, enough) = meter::metered(|| catch_unwind(AssertUnwindSafe(run)));
        let ended = ended.map_err(|_| RunError::Panicked)?;
        match (enough, vars.fault()) {
            (false, _) => Err(RunError::TooMuchWork),
            (true, Some(fault)) => Err(RunError::Failed(fault.to_owned())),
            (true, None) => ended.map_err(Stop::into_error),
        }
    }
}

/// The reason for which an evaluation ends early.
enum Stop {
    Failed(Box<ExecutionError>),
    Write(WriteError),
    Kind(String),
}

impl Stop {
    fn into_error(self) -> RunError {
        match self {
            Self::Failed(error) => RunError::Failed(short(&error)),
            Self::Write(error) => RunError::Failed(error.to_string()),
            Self::Kind(kind) => RunError::NotBool(kind),
        }
    }
}

impl From<ExecutionError> for Stop {
    fn from(error: ExecutionError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<WriteError> for Stop {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}

/// Writes the value of `node`. Literal maps and lists and conditions are followed here, because the
/// maps of the interpreter are unordered. `event.data` as a whole is copied byte for byte.
fn write(
    writer: &mut Writer,
    node: &IdedExpr,
    context: &Context<'_, '_>,
    data: &[u8],
) -> Result<(), Stop> {
    match &node.expr {
        Expr::Map(map) => {
            let mut seen = Vec::with_capacity(map.entries.len());
            writer.raw(b"{")?;
            for entry in &map.entries {
                let EntryExpr::MapEntry(entry) = &entry.expr else {
                    continue;
                };
                let key = Value::resolve_val(&entry.key, context)?;
                let key = key_text(key.as_ref())?.to_owned();
                if seen.contains(&key) {
                    return Err(WriteError::Twice(key).into());
                }
                if !seen.is_empty() {
                    writer.raw(b",")?;
                }
                writer.text(&key)?;
                seen.push(key);
                writer.raw(b":")?;
                write(writer, &entry.value, context, data)?;
            }
            Ok(writer.raw(b"}")?)
        }
        Expr::List(list) => {
            writer.raw(b"[")?;
            for (index, element) in list.elements.iter().enumerate() {
                if index > 0 {
                    writer.raw(b",")?;
                }
                write(writer, element, context, data)?;
            }
            Ok(writer.raw(b"]")?)
        }
        Expr::Call(call) => match passed(call, context)? {
            Some(part) => write(writer, part, context, data),
            None => write_value(writer, node, context),
        },
        Expr::Select(select) if is_event_data(select) => Ok(writer.raw(data)?),
        _ => write_value(writer, node, context),
    }
}

/// Returns true for `event.data`. Outside of macros no other variable has that name.
fn is_event_data(select: &SelectExpr) -> bool {
    let of_event = matches!(&select.operand.expr, Expr::Ident(name) if name == "event");
    of_event && !select.test && select.field == "data"
}

/// Returns the branch that a condition selects, or the argument of the meter. Writing it is bounded
/// by the length of the output.
fn passed<'e>(call: &'e CallExpr, context: &Context<'_, '_>) -> Result<Option<&'e IdedExpr>, Stop> {
    let (condition, then, otherwise) = match (call.func_name.as_str(), call.args.as_slice()) {
        (meter::USE, [part]) => return Ok(Some(part)),
        (operators::CONDITIONAL, [condition, then, otherwise]) => (condition, then, otherwise),
        _ => return Ok(None),
    };
    let value = Value::resolve_val(condition, context)?;
    match value.downcast_ref::<CelBool>().map(|truth| *truth.inner()) {
        Some(true) => Ok(Some(then)),
        Some(false) => Ok(Some(otherwise)),
        None => {
            let got = value.get_type().name().to_owned();
            Err(ExecutionError::UnexpectedType {
                got,
                want: "bool".into(),
            }
            .into())
        }
    }
}

fn write_value(
    writer: &mut Writer,
    node: &IdedExpr,
    context: &Context<'_, '_>,
) -> Result<(), Stop> {
    let value = Value::resolve_val(node, context)?;
    Ok(writer.value(value.as_ref())?)
}
