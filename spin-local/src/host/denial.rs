//! Refusals for a dependency that does not inherit the configuration of its parent: the interfaces
//! of the capabilities exist and deny every call.
//!
//! As with Spin's adapter, a function that can fail returns an error, a list is empty, and any
//! other call ends the request. Interfaces that need no capability (clocks, randomness, output)
//! come from the host.

use wasmtime::component::types::Type;
use wasmtime::component::{LinkerInstance, Val};

use super::state::State;

/// Cases of error types that express a refusal, the most specific first.
const REFUSALS: [&str; 5] = [
    "access-denied",
    "internal-error",
    "undefined",
    "other",
    "io",
];

/// Links a function of the interface `denied` that refuses every call.
pub(super) fn refuse(
    linked: &mut LinkerInstance<'_, State>,
    item: &str,
    denied: &str,
) -> wasmtime::Result<()> {
    let message = format!("{denied:?} is not permitted");
    linked.func_new(item, move |_, function, _, results| {
        for (result, ty) in results.iter_mut().zip(function.results()) {
            *result = refusal(&ty, &message)
                .ok_or_else(|| wasmtime::format_err!("{message} to a dependency"))?;
        }
        Ok(())
    })
}

fn refusal(ty: &Type, message: &str) -> Option<Val> {
    match ty {
        Type::Result(result) => {
            let error = match result.err() {
                Some(error) => Some(Box::new(error_value(&error, message)?)),
                None => None,
            };
            Some(Val::Result(Err(error)))
        }
        Type::List(_) => Some(Val::List(Vec::new())),
        Type::Option(_) => Some(Val::Option(None)),
        _ => None,
    }
}

fn error_value(ty: &Type, message: &str) -> Option<Val> {
    match ty {
        Type::String => Some(Val::String(message.to_owned())),
        Type::Enum(cases) => {
            let names: Vec<_> = cases.names().collect();
            let name = REFUSALS.iter().find(|name| names.contains(*name))?;
            Some(Val::Enum((*name).to_owned()))
        }
        Type::Variant(variant) => {
            let cases: Vec<_> = variant.cases().collect();
            let case = REFUSALS
                .iter()
                .find_map(|name| cases.iter().find(|case| case.name == *name))?;
            let payload = match &case.ty {
                Some(ty) => Some(Box::new(payload(ty, message)?)),
                None => None,
            };
            Some(Val::Variant(case.name.to_owned(), payload))
        }
        _ => None,
    }
}

fn payload(ty: &Type, message: &str) -> Option<Val> {
    match ty {
        Type::String => Some(Val::String(message.to_owned())),
        Type::Option(option) => {
            let inner = payload(&option.ty(), message).map(Box::new);
            Some(Val::Option(inner))
        }
        _ => None,
    }
}
