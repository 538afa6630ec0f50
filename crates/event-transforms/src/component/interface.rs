//! The interface of `wit/transform.wit`, as values of wasmtime.

use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Type, Val};
use webhook_model::{Event, TenantId};

use super::RunError;
use crate::text::short;

/// The interface and the function that a component must export.
const INTERFACE: &str = "signed-webhooks:transform/transform@0.1.0";
const FUNCTION: &str = "transform";

/// Returns the index of the function, in a component that imports nothing and exports the function
/// with the right type.
///
/// # Errors
///
/// A description of the difference.
pub fn check(engine: &Engine, component: &Component) -> Result<ComponentExportIndex, String> {
    let all = component.component_type();
    let imports: Vec<_> = all
        .imports(engine)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if !imports.is_empty() {
        return Err(format!(
            "it imports {}, and may import nothing",
            imports.join(", ")
        ));
    }
    let (_, interface) = component
        .get_export(None, INTERFACE)
        .ok_or_else(|| format!("it does not export `{INTERFACE}`"))?;
    match component.get_export(Some(&interface), FUNCTION) {
        Some((ComponentItem::ComponentFunc(function), index)) if is_transform(&function) => {
            Ok(index)
        }
        Some(_) => Err(format!(
            "its `{FUNCTION}` is not of the type that `{INTERFACE}` gives it"
        )),
        None => Err(format!("its `{INTERFACE}` has no `{FUNCTION}`")),
    }
}

fn is_transform(function: &ComponentFunc) -> bool {
    let params: Vec<_> = function.params().map(|(_, kind)| kind).collect();
    let results: Vec<_> = function.results().collect();
    matches!(params.as_slice(), [event] if is_event(event))
        && matches!(results.as_slice(), [result] if is_result(result))
}

fn is_event(kind: &Type) -> bool {
    let Type::Record(record) = kind else {
        return false;
    };
    let fields: Vec<_> = record
        .fields()
        .map(|field| (field.name.to_owned(), field.ty))
        .collect();
    let names = ["id", "type", "timestamp", "tenant", "ordering-key", "data"];
    let as_named = fields.iter().zip(names).all(|((name, kind), expected)| {
        name == expected
            && match expected {
                "ordering-key" => is_optional_text(kind),
                _ => matches!(kind, Type::String),
            }
    });
    fields.len() == names.len() && as_named
}

fn is_result(kind: &Type) -> bool {
    let Type::Result(result) = kind else {
        return false;
    };
    let Some(Type::Variant(error)) = result.err() else {
        return false;
    };
    let cases = error
        .cases()
        .map(|case| (case.name.to_owned(), matches!(case.ty, Some(Type::String))));
    result.ok().is_some_and(|body| is_optional_text(&body))
        && cases.eq([("unexpected".to_owned(), true), ("failed".to_owned(), true)])
}

fn is_optional_text(kind: &Type) -> bool {
    matches!(kind, Type::Option(some) if matches!(some.ty(), Type::String))
}

/// Returns an event as the argument of the function.
///
/// # Errors
///
/// [`RunError::Trapped`] for data that is not UTF-8, which checked events never contain.
pub fn event(tenant: &TenantId, event: &Event) -> Result<Val, RunError> {
    let text = |text: &str| Val::String(text.to_owned());
    let data = std::str::from_utf8(&event.data);
    let data = data.map_err(|_| RunError::Trapped("the data is not UTF-8".into()))?;
    let key = event.ordering_key.as_deref().map(|key| Box::new(text(key)));
    Ok(Val::Record(vec![
        ("id".into(), text(event.id.as_str())),
        ("type".into(), text(&event.kind)),
        ("timestamp".into(), text(&event.at.to_string())),
        ("tenant".into(), text(tenant.as_str())),
        ("ordering-key".into(), Val::Option(key)),
        ("data".into(), text(data)),
    ]))
}

/// Returns the body that the component returned, if any.
///
/// # Errors
///
/// [`RunError::Refused`] with the reason of the component, or [`RunError::Trapped`] for a value of
/// another type.
pub fn body(result: Val) -> Result<Option<String>, RunError> {
    let body = match result {
        Val::Result(Ok(Some(body))) => *body,
        Val::Result(Err(Some(error))) => return Err(RunError::Refused(reason(*error))),
        _ => return Err(RunError::Trapped("the result has another type".into())),
    };
    match body {
        Val::Option(None) => Ok(None),
        Val::Option(Some(body)) => match *body {
            Val::String(body) => Ok(Some(body)),
            _ => Err(RunError::Trapped("the body is not a string".into())),
        },
        _ => Err(RunError::Trapped("the result has another type".into())),
    }
}

fn reason(error: Val) -> String {
    match error {
        Val::Variant(case, Some(text)) => match *text {
            Val::String(text) => format!("{case}: {}", short(&text)),
            _ => case,
        },
        _ => "unknown".into(),
    }
}
