//! `[[trigger.http]]`: the routes of the app and their components.

use std::collections::HashSet;

use config_diagnostics::{Diagnostics, Entry, Table, collect_all, did_you_mean};

use super::draft::Draft;
use super::identifier::is_kebab;
use super::static_response::{self, StaticResponse};
use crate::routes::{self, Route, RouteTarget, WELL_KNOWN_PREFIX};
use crate::unsupported::{unsupported, unsupported_form};

/// The routes of the triggers, and the responses of those without a component.
#[derive(Default)]
pub(super) struct Triggers {
    pub(super) routes: Vec<Route>,
    pub(super) static_responses: Vec<StaticResponse>,
}

/// Reads the triggers, and appends the components written inside them to `components`.
pub(super) fn read_all<'a>(
    root: &Table<'a>,
    components: &mut Vec<Draft<'a>>,
    warnings: &mut Vec<String>,
) -> Result<Triggers, Diagnostics> {
    let triggers = http_triggers(root)?;
    let mut found = Diagnostics::default();
    let mut ids = Ids::new(&triggers)?;
    let mut read = Triggers::default();
    for trigger in &triggers {
        found.keep(check_keys(trigger));
        let Some(id) = found.keep(ids.next(trigger)) else {
            continue;
        };
        let target = found.keep(target(trigger, &id, components, &mut read.static_responses));
        let pattern = found.keep(pattern(trigger));
        if let (Some(target), Some(Some(pattern))) = (target, pattern) {
            warn(pattern, &read.routes, target, components, warnings);
            add(&mut read.routes, pattern, target);
        }
    }
    found.or(read)
}

/// Returns the component or the static response of a trigger, which must not have both.
fn target<'a>(
    trigger: &Table<'a>,
    trigger_id: &str,
    components: &mut Vec<Draft<'a>>,
    responses: &mut Vec<StaticResponse>,
) -> Result<RouteTarget, Diagnostics> {
    let Some(response) = trigger.get("static_response") else {
        let component = component_of(trigger, trigger_id, components)?;
        let found = components.get_mut(component);
        found.into_iter().for_each(|draft| draft.triggered = true);
        return Ok(RouteTarget::Component(component));
    };
    if trigger.get("component").is_some() {
        return Err(response.fault("`component` and `static_response` exclude each other"));
    }
    responses.push(static_response::read(&response)?);
    Ok(RouteTarget::Static(responses.len() - 1))
}

fn http_triggers<'a>(root: &Table<'a>) -> Result<Vec<Table<'a>>, Diagnostics> {
    let kinds = root.require("trigger")?.table()?;
    if let Some(other) = kinds.entries().find(|entry| entry.key != "http") {
        return Err(unsupported_form(
            &other,
            "",
            "it serves `trigger.http` only",
        ));
    }
    let entries = match kinds.get("http") {
        Some(http) if !http.is_list() => {
            return Err(http.fault("`trigger.http` must be a list: write `[[trigger.http]]`"));
        }
        Some(http) => http.items()?,
        None => Vec::new(),
    };
    if entries.is_empty() {
        return Err(kinds.fault("the app has no `[[trigger.http]]`, so no request could reach it"));
    }
    let table = |entry: Entry<'a>| Ok(entry.table()?.owned_by("http trigger".to_owned()));
    collect_all(entries.into_iter().map(table))
}

fn check_keys(trigger: &Table<'_>) -> Result<(), Diagnostics> {
    trigger.only(&[
        "component",
        "components",
        "dependencies",
        "executor",
        "id",
        "route",
        "static_response",
    ])?;
    for key in ["components", "dependencies"] {
        if let Some(entry) = trigger.get(key)
            && !entry.table()?.is_empty()
        {
            return Err(unsupported(&entry));
        }
    }
    trigger
        .get("executor")
        .map_or(Ok(()), |it| check_executor(&it))
}

fn check_executor(executor: &Entry<'_>) -> Result<(), Diagnostics> {
    let table = executor.table()?;
    let kind = table.require("type")?;
    match kind.string()? {
        "http" | "spin" => table.only(&["type"]),
        "wagi" => Err(executor.fault("the `wagi` executor is not supported by spin-local")),
        other => Err(kind.fault(format!(
            "unknown executor `{other}`{}",
            did_you_mean(other, ["http", "wagi"])
        ))),
    }
}

/// Returns the index of the component that a trigger names or contains.
fn component_of<'a>(
    trigger: &Table<'a>,
    trigger_id: &str,
    components: &mut Vec<Draft<'a>>,
) -> Result<usize, Diagnostics> {
    let Some(component) = trigger.get("component") else {
        return Err(trigger.fault("`component` or `static_response` is missing"));
    };
    if component.is_string() {
        let id = component.string()?;
        let ids = || components.iter().map(|draft| draft.id.as_str());
        return ids().position(|known| known == id).ok_or_else(|| {
            let nearest = did_you_mean(id, ids());
            component.fault(format!("there is no component `{id}`{nearest}"))
        });
    }
    let table = component.table().map_err(|_| {
        component.fault("`component` must be the name of a component, or a table that is one")
    })?;
    let id = inline_id(trigger_id, components);
    components.push(Draft::new(id, &table));
    Ok(components.len() - 1)
}

/// Returns the id that Spin assigns to a component written inside a trigger.
fn inline_id(trigger_id: &str, components: &[Draft<'_>]) -> String {
    let is_free = |id: &String| components.iter().all(|draft| draft.id != *id);
    let preferred = format!("{trigger_id}-component");
    if is_kebab(&preferred) && is_free(&preferred) {
        return preferred;
    }
    let mut numbered = (1..).map(|n| format!("inline-component{n}"));
    numbered.find(is_free).unwrap_or_default()
}

/// Returns the pattern of a trigger, or `None` for a private one.
fn pattern<'a>(trigger: &Table<'a>) -> Result<Option<&'a str>, Diagnostics> {
    let route = trigger.require("route")?;
    if route.is_string() {
        let pattern = route.string()?;
        routes::parse(pattern).map_err(|error| route.fault(error.to_string()))?;
        return Ok(Some(pattern));
    }
    let private = route.table().map_err(|_| {
        route.fault("`route` must be a pattern such as `/...`, or `{ private = true }`")
    })?;
    private.only(&["private"])?;
    let private = private.require("private")?;
    if private.boolean()? {
        Ok(None)
    } else {
        Err(private
            .fault("`route.private` can only be `true`; a route that is not private is a pattern"))
    }
}

/// Adds a route. It replaces an earlier one with the same pattern, at the position of that one.
fn add(routes: &mut Vec<Route>, pattern: &str, target: RouteTarget) {
    match routes.iter_mut().find(|route| route.pattern == pattern) {
        Some(same) => same.target = target,
        None => routes.push(Route {
            pattern: pattern.to_owned(),
            target,
        }),
    }
}

fn warn(
    pattern: &str,
    routes: &[Route],
    target: RouteTarget,
    components: &[Draft<'_>],
    warnings: &mut Vec<String>,
) {
    let id = |target| match target {
        RouteTarget::Component(index) => components
            .get(index)
            .map_or("", |draft: &Draft<'_>| &draft.id),
        RouteTarget::Static(_) => "static_response",
    };
    if let Some(same) = routes.iter().find(|route| route.pattern == pattern) {
        warnings.push(format!(
            "route `{pattern}` is declared twice: `{}` receives its requests, `{}` does not",
            id(target),
            id(same.target)
        ));
    }
    if routes::based(pattern).starts_with(WELL_KNOWN_PREFIX) {
        warnings.push(format!(
            "route `{pattern}` of `{}` is never reached: the runtime responds under \
             `{WELL_KNOWN_PREFIX}`",
            id(target)
        ));
    }
}

/// The ids of triggers, including those that Spin assigns. Ids of components written inside a
/// trigger derive from them.
struct Ids(HashSet<String>);

impl Ids {
    fn new(triggers: &[Table<'_>]) -> Result<Self, Diagnostics> {
        let ids = triggers.iter().map(|trigger| trigger.text("id"));
        collect_all(ids.map(|id| id.map(str::to_owned))).map(Self)
    }

    fn next(&mut self, trigger: &Table<'_>) -> Result<String, Diagnostics> {
        let declared = trigger.text("id")?;
        if !declared.is_empty() {
            return Ok(declared.to_owned());
        }
        let component = trigger.get("component").filter(Entry::is_string);
        let preferred = match component {
            Some(id) => Some(format!("{}-http-trigger", id.string()?)),
            None => None,
        };
        let numbered = (1..).map(|n| format!("http-trigger{n}"));
        let mut candidates = preferred.into_iter().chain(numbered);
        let free = candidates
            .find(|id| !self.0.contains(id))
            .unwrap_or_default();
        self.0.insert(free.clone());
        Ok(free)
    }
}
