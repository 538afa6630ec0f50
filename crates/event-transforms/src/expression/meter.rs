//! Bounds the cost of an evaluation.
//!
//! The interpreter has no bound of its own. Therefore the compiler inserts calls of the functions
//! below around every value whose cost grows with its size. A unit of fuel stands for at most 50 ns
//! and for 25 bytes of memory, so the fuel of one evaluation allows a fifth of a second and 100 MB.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::types::{
    CelBool, CelBytes, CelInt, CelList, CelMap, CelString, DYN_TYPE, INT_TYPE, Kind, STRING_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};
use regex::{Regex, RegexBuilder};

/// Returns its argument, and consumes fuel for a copy of it.
pub const USE: &str = "@use";
/// Returns its argument, and consumes fuel for a comparison of it.
pub const COMPARE: &str = "@compare";
/// Returns its first argument, and consumes fuel for as many steps per element as its second
/// argument says.
pub const RANGE: &str = "@range";
/// Returns its argument if it can be an index. The error of the interpreter itself copies the
/// container.
pub const KEY: &str = "@key";
/// `matches`, with bounds on the pattern.
pub const MATCHES: &str = "@matches";

/// The fuel of one evaluation.
const FUEL: u64 = 4_000_000;

/// The fuel for copying a value, without its parts.
const VALUE: u64 = 4;
/// The factor by which comparing costs more than copying: the interpreter also compares the names
/// of the types.
const COMPARING: u64 = 4;
/// The bytes of a text that are copied or searched per unit.
const BYTES: u64 = 8;

/// The fuel for compiling a pattern.
const PATTERN: u64 = 5_000;
/// The maximal size of a compiled pattern in bytes, with the fuel per byte of text for a pattern of
/// that size: if no automaton can be built, a search takes steps for each of its states.
const PATTERN_SIZES: [(usize, u64); 3] = [(16 << 10, 8), (64 << 10, 32), (256 << 10, 128)];
/// The number of compiled patterns that a thread caches.
const PATTERNS: usize = 64;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(0) };
    static COMPILED: RefCell<HashMap<String, Pattern>> = RefCell::default();
}

/// The standard library and the functions of this module.
pub static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(env()));

fn env() -> Env {
    let mut env = Env::stdlib();
    let mut add = |name, args, function| {
        let added = env.add_overload(name, name, args, function);
        debug_assert!(added.is_ok(), "each name is declared once: {added:?}");
    };
    add(USE, vec![DYN_TYPE], use_value);
    add(COMPARE, vec![DYN_TYPE], use_compared);
    add(RANGE, vec![DYN_TYPE, INT_TYPE], use_range);
    add(KEY, vec![DYN_TYPE], use_key);
    add(MATCHES, vec![STRING_TYPE, STRING_TYPE], matches);
    env
}

/// Runs `evaluate` with full fuel. Returns also if the fuel was sufficient, because the interpreter
/// lets `||` and `&&` ignore the error about it.
pub fn metered<T>(evaluate: impl FnOnce() -> T) -> (T, bool) {
    LEFT.set(FUEL);
    let result = evaluate();
    (result, LEFT.get() > 0)
}

/// Consumes `units` of fuel.
fn spend(units: u64) -> Result<(), ExecutionError> {
    let left = LEFT.get().saturating_sub(units);
    LEFT.set(left);
    if left == 0 {
        Err(ExecutionError::function_error("event", "too much work"))
    } else {
        Ok(())
    }
}

fn weight(value: &dyn Val) -> u64 {
    let own = match value.get_type().kind() {
        Kind::String => value
            .downcast_ref::<CelString>()
            .map_or(0, |s| units(s.inner().len())),
        Kind::Bytes => value
            .downcast_ref::<CelBytes>()
            .map_or(0, |b| units(b.inner().len())),
        Kind::List => value.downcast_ref::<CelList>().map_or(0, |list| {
            list.inner().iter().map(|item| weight(&**item)).sum()
        }),
        Kind::Map => value.downcast_ref::<CelMap>().map_or(0, weight_of_map),
        _ => 0,
    };
    VALUE + own
}

fn weight_of_map(map: &CelMap<'_>) -> u64 {
    let entries = map.inner().iter();
    entries
        .map(|(key, value)| weight(key.inner()) + weight(&**value))
        .sum()
}

fn units(bytes: usize) -> u64 {
    bytes as u64 / BYTES
}

type Evaluated<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn use_value<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Evaluated<'b, 'v> {
    let [value] = arguments(args)?;
    spend(weight(&*value))?;
    Ok(value)
}

fn use_compared<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Evaluated<'b, 'v> {
    let [value] = arguments(args)?;
    spend(weight(&*value).saturating_mul(COMPARING))?;
    Ok(value)
}

fn use_range<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Evaluated<'b, 'v> {
    let [value, steps] = arguments(args)?;
    let each = steps
        .downcast_ref::<CelInt>()
        .map_or(0, |steps| steps.inner().unsigned_abs());
    let count = value
        .as_sizer()
        .map_or(0, |sizer| sizer.size().inner().unsigned_abs());
    spend(weight(&*value).saturating_add(count.saturating_mul(each)))?;
    Ok(value)
}

fn use_key<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Evaluated<'b, 'v> {
    let [key] = arguments(args)?;
    match key.get_type().kind() {
        Kind::String | Kind::Int | Kind::UInt | Kind::Boolean => Ok(key),
        _ => Err(ExecutionError::function_error(
            "[]",
            format!("`{}` is no index", key.get_type().name()),
        )),
    }
}

fn arguments<'b, 'v, const N: usize>(
    args: Vec<CowVal<'b, 'v>>,
) -> Result<[CowVal<'b, 'v>; N], ExecutionError> {
    args.try_into()
        .map_err(|args: Vec<_>| ExecutionError::invalid_argument_count(N, args.len()))
}

/// A compiled pattern, and the fuel per byte of a text.
#[derive(Clone)]
struct Pattern(Regex, u64);

/// Compiles a pattern within bounds.
///
/// # Errors
///
/// The reason for which the pattern cannot be used.
pub fn check_pattern(text: &str) -> Result<(), String> {
    pattern(text).map(|_| ())
}

fn pattern(text: &str) -> Result<Pattern, String> {
    for (size, cost) in PATTERN_SIZES {
        match RegexBuilder::new(text)
            .size_limit(size)
            .dfa_size_limit(1 << 20)
            .build()
        {
            Ok(regex) => return Ok(Pattern(regex, cost)),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => return Err(format!("pattern `{text}`: {}", last_line(&error))),
        }
    }
    Err(format!("pattern `{text}` is too large"))
}

/// Returns the last line of the message, which describes the fault; the lines before it show the
/// pattern.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.trim_start_matches("error: ").to_owned()
}

fn matches<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Evaluated<'b, 'v> {
    let [text, wanted] = arguments(args)?;
    let (Some(text), Some(wanted)) = (
        text.downcast_ref::<CelString>(),
        wanted.downcast_ref::<CelString>(),
    ) else {
        return Err(ExecutionError::function_error("matches", "not two strings"));
    };
    let Pattern(regex, cost) = compiled(wanted.inner())?;
    spend((text.inner().len() as u64).saturating_mul(cost))?;
    Ok(CowVal::owned(CelBool::from(regex.is_match(text.inner()))))
}

fn compiled(text: &str) -> Result<Pattern, ExecutionError> {
    if let Some(known) = COMPILED.with_borrow(|known| known.get(text).cloned()) {
        return Ok(known);
    }
    spend(PATTERN.saturating_add(text.len() as u64))?;
    let made = pattern(text).map_err(|error| ExecutionError::function_error("matches", error))?;
    COMPILED.with_borrow_mut(|known| {
        if known.len() >= PATTERNS {
            known.clear();
        }
        known.insert(text.to_owned(), made.clone());
    });
    Ok(made)
}
