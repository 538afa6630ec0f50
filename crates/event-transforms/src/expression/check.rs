//! Checks the constructs of an expression, and inserts the meter.

use std::collections::HashSet;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, ListExpr, LiteralValue,
    MapEntryExpr, MapExpr, SelectExpr, operators,
};

use super::meter::{self, COMPARE, ENV, KEY, MATCHES, RANGE, USE};
use super::vars::FIELDS;

/// The maximal nesting of calls, selections, lists and maps. The interpreter recurses over them.
pub(super) const MAX_DEPTH: usize = 64;
pub(super) const TOO_DEEP: &str = "nested more than 64 levels deep";

/// The functions that may be called: the standard library without optional values.
const FUNCTIONS: [&str; 25] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "duration",
    "dyn",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// Operators that compare their operands, part by part.
const COMPARING: [&str; 3] = [operators::EQUALS, operators::NOT_EQUALS, operators::IN];

/// Operators that compute with their operands, or include them in errors.
const HANDLING: [&str; 9] = [
    operators::ADD,
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
];

/// Operators that return an operand, or inspect one bit of it.
const PASSING: [&str; 6] = [
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::NEGATE,
    operators::NOT_STRICTLY_FALSE,
];

/// A fault of an expression, with the node that causes it.
pub(super) struct Fault {
    pub id: u64,
    pub message: String,
}

pub(super) type Checked<T> = Result<T, Fault>;

/// Walks over an expression, rejects unsupported constructs, and inserts the meter.
#[derive(Default)]
pub(super) struct Checker {
    /// Variables that macros declare, the innermost last.
    scope: Vec<String>,
    depth: usize,
    nodes: u32,
    /// Set if the cost can exceed the length of the expression.
    pub loops: bool,
}

impl Checker {
    pub fn check(&mut self, node: IdedExpr) -> Checked<IdedExpr> {
        let id = node.id;
        self.nodes = self.nodes.saturating_add(1);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(fault(id, TOO_DEEP));
        }
        let expr = self.expr(id, node.expr)?;
        self.depth -= 1;
        Ok(IdedExpr { id, expr })
    }

    fn expr(&mut self, id: u64, expr: Expr) -> Checked<Expr> {
        Ok(match expr {
            Expr::Literal(literal) => Expr::Literal(literal),
            Expr::Ident(name) => self.ident(id, name)?,
            Expr::Select(select) => self.select(id, select)?,
            Expr::Call(call) => self.call(id, call)?,
            Expr::List(list) => self.list(id, list)?,
            Expr::Map(map) => self.map(id, map)?,
            Expr::Comprehension(loop_) => self.comprehension(*loop_)?,
            Expr::Struct(_) => return Err(fault(id, "messages are not supported")),
            Expr::Unspecified => return Err(fault(id, "nothing to evaluate")),
        })
    }

    fn ident(&mut self, id: u64, name: String) -> Checked<Expr> {
        let known =
            self.scope.contains(&name) || name == "event" || ENV.types().find_type(&name).is_some();
        if known {
            Ok(Expr::Ident(name))
        } else {
            let message = format!("unknown variable `{name}`; there is `event`");
            Err(fault(id, message))
        }
    }

    fn select(&mut self, id: u64, select: SelectExpr) -> Checked<Expr> {
        let of_event = matches!(&select.operand.expr, Expr::Ident(name)
            if name == "event" && !self.scope.contains(name));
        if of_event && !FIELDS.contains(&select.field.as_str()) {
            let message = format!(
                "`event` has no field `{}`; it has {}",
                select.field,
                FIELDS.map(|field| format!("`{field}`")).join(", ")
            );
            return Err(fault(id, message));
        }
        let operand = Box::new(self.check(*select.operand)?);
        Ok(Expr::Select(SelectExpr { operand, ..select }))
    }

    fn call(&mut self, id: u64, call: CallExpr) -> Checked<Expr> {
        let name = call.func_name.as_str();
        if !is_operator(name) && !FUNCTIONS.contains(&name) {
            return Err(fault(id, format!("unknown function `{name}`")));
        }
        let target = call.target.map(|target| self.check(*target)).transpose()?;
        let args = call.args.into_iter().map(|arg| self.check(arg));
        let args = args.collect::<Checked<Vec<_>>>()?;
        let call = CallExpr {
            target: target.map(Box::new),
            args,
            func_name: call.func_name,
        };
        match call.func_name.as_str() {
            "matches" => self.matches(call),
            operators::INDEX => Ok(index(call)),
            name if PASSING.contains(&name) || appends(&call) => Ok(Expr::Call(call)),
            name if COMPARING.contains(&name) => Ok(used(call, COMPARE)),
            _ => Ok(used(call, USE)),
        }
    }

    /// `text.matches(pattern)` and `matches(text, pattern)`.
    fn matches(&mut self, call: CallExpr) -> Checked<Expr> {
        self.loops = true;
        let args: Vec<_> = call
            .target
            .map(|target| *target)
            .into_iter()
            .chain(call.args)
            .collect();
        if let Some(IdedExpr {
            id,
            expr: Expr::Literal(LiteralValue::String(text)),
        }) = args.get(1)
        {
            meter::check_pattern(text.inner()).map_err(|message| fault(*id, message))?;
        }
        Ok(Expr::Call(CallExpr {
            func_name: MATCHES.into(),
            target: None,
            args,
        }))
    }

    fn list(&mut self, id: u64, list: ListExpr) -> Checked<Expr> {
        if !list.optional_indices.is_empty() {
            return Err(fault(id, "optional elements are not supported"));
        }
        let elements = list
            .elements
            .into_iter()
            .map(|element| Ok(wrap(self.check(element)?, USE)));
        Ok(Expr::List(ListExpr::new(elements.collect::<Checked<_>>()?)))
    }

    fn map(&mut self, id: u64, map: MapExpr) -> Checked<Expr> {
        let mut literals = HashSet::new();
        let mut entries = Vec::with_capacity(map.entries.len());
        for entry in map.entries {
            let EntryExpr::MapEntry(MapEntryExpr {
                key,
                value,
                optional: false,
            }) = entry.expr
            else {
                return Err(fault(id, "optional entries are not supported"));
            };
            if let Expr::Literal(literal) = &key.expr
                && !literals.insert(format!("{literal:?}"))
            {
                return Err(fault(key.id, "the key is there twice"));
            }
            let (key, value) = (wrap(self.check(key)?, USE), wrap(self.check(value)?, USE));
            let expr = EntryExpr::MapEntry(MapEntryExpr {
                key,
                value,
                optional: false,
            });
            entries.push(IdedEntryExpr { id: entry.id, expr });
        }
        Ok(Expr::Map(MapExpr { entries }))
    }

    fn comprehension(&mut self, loop_: ComprehensionExpr) -> Checked<Expr> {
        self.loops = true;
        let range = self.check(loop_.iter_range)?;
        let accu_init = self.check(loop_.accu_init)?;
        let outside = self.scope.len();
        self.scope.push(loop_.iter_var.clone());
        self.scope.extend(loop_.iter_var2.clone());
        self.scope.push(loop_.accu_var.clone());
        let before = self.nodes;
        let loop_cond = self.check(loop_.loop_cond)?;
        let loop_step = self.check(loop_.loop_step)?;
        // Each iteration creates a scope and evaluates its nodes. The values that they use are
        // metered separately.
        let steps = 2 + 2 * i64::from(self.nodes - before);
        let result = self.check(loop_.result)?;
        self.scope.truncate(outside);
        Ok(Expr::Comprehension(Box::new(ComprehensionExpr {
            iter_range: call(RANGE, vec![range, int(steps)]),
            accu_init,
            loop_cond,
            loop_step,
            result,
            ..loop_
        })))
    }
}

fn is_operator(name: &str) -> bool {
    name == operators::INDEX
        || [&COMPARING[..], &HANDLING, &PASSING]
            .iter()
            .any(|some| some.contains(&name))
}

/// Returns true for the step of `map`, `filter` and `exists_one`. The interpreter recognises the
/// first two by their form.
fn appends(call: &CallExpr) -> bool {
    let accumulator = |expr: &Expr| matches!(expr, Expr::Ident(name) if name.starts_with('@'));
    call.func_name == operators::ADD && call.args.first().is_some_and(|arg| accumulator(&arg.expr))
}

fn index(call: CallExpr) -> Expr {
    let mut args = call.args;
    if let Some(last) = args.pop_if(|last| !matches!(last.expr, Expr::Literal(_))) {
        args.push(self::call(KEY, vec![last]));
    }
    Expr::Call(CallExpr { args, ..call })
}

fn used(call: CallExpr, meter: &str) -> Expr {
    Expr::Call(CallExpr {
        target: call.target.map(|target| Box::new(wrap(*target, meter))),
        args: call.args.into_iter().map(|arg| wrap(arg, meter)).collect(),
        func_name: call.func_name,
    })
}

/// Wraps a value that may be large in a call of the meter. The parts of a literal are metered
/// separately.
fn wrap(node: IdedExpr, meter: &str) -> IdedExpr {
    match node.expr {
        Expr::Literal(_) | Expr::List(_) | Expr::Map(_) => node,
        _ => call(meter, vec![node]),
    }
}

fn call(name: &str, args: Vec<IdedExpr>) -> IdedExpr {
    let id = args.first().map_or(0, |arg| arg.id);
    let expr = Expr::Call(CallExpr {
        func_name: name.into(),
        target: None,
        args,
    });
    IdedExpr { id, expr }
}

fn int(value: i64) -> IdedExpr {
    IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::Int(value.into())),
    }
}

fn fault(id: u64, message: impl Into<String>) -> Fault {
    Fault {
        id,
        message: message.into(),
    }
}
