//! What an endpoint makes of its events: filter and transform, compiled.

use bytes::Bytes;
use webhook_model::{Endpoint, Event, TenantId};

use super::component::{Component, ComponentError, Folder};
use super::expression::{CompileError, Program, Vars};

/// The most bytes of a body that a transform makes.
pub const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// Data from this length on takes long enough to parse to be kept off the async threads.
const LONG_DATA_BYTES: usize = 32 * 1024;

/// The filter and the transform of one version of an endpoint.
#[derive(Default)]
pub struct Programs {
    filter: Option<Program>,
    transform: Transform,
}

#[derive(Default)]
enum Transform {
    #[default]
    None,
    Expression(Program),
    Component(Component),
}

/// Why an endpoint's programs cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    #[error("filter: {0}")]
    Filter(CompileError),
    #[error("transform: {0}")]
    Transform(CompileError),
    #[error("transform_component: {0}")]
    Component(ComponentError),
    #[error("transform_component: {0}")]
    ComponentName(String),
    #[error("transform_component: there is a `transform` as well")]
    Both,
}

impl ProgramError {
    /// The field of the endpoint that is at fault.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Filter(_) => "filter",
            Self::Transform(_) => "transform",
            Self::Component(_) | Self::ComponentName(_) | Self::Both => "transform_component",
        }
    }

    /// The error for operators: of a component it has the reason as well.
    pub fn detail(&self) -> String {
        match self {
            Self::Component(error) => format!("{}: {}", self.field(), error.detail()),
            other => other.to_string(),
        }
    }

    /// Whether another try would end the same way: the file at fault is as it was.
    pub fn is_current(&self) -> bool {
        match self {
            Self::Component(error) => error.is_current(),
            _ => true,
        }
    }
}

/// What becomes of an event at an endpoint.
#[derive(Debug, PartialEq, Eq)]
pub enum Rendered {
    /// It is sent as it was published.
    AsPublished,
    /// This is sent.
    Body(Bytes),
    /// It is not sent.
    Unwanted,
    /// It cannot be told what to send. The reason, for people.
    Failed(String),
}

impl Programs {
    /// Compiles what the endpoint declares; `components` is the folder that it names a file in. A
    /// component takes long: keep it off the async threads.
    ///
    /// # Errors
    ///
    /// A [`ProgramError`].
    pub fn compile(endpoint: &Endpoint, components: &Folder) -> Result<Self, ProgramError> {
        let filter = endpoint.filter.as_deref().map(Program::compile);
        let filter = filter.transpose().map_err(ProgramError::Filter)?;
        let transform = match (&endpoint.transform, &endpoint.transform_component) {
            (None, None) => Transform::None,
            (Some(source), None) => {
                let program = Program::compile(source).map_err(ProgramError::Transform)?;
                Transform::Expression(program)
            }
            (None, Some(name)) => {
                let path = components
                    .path_of(name)
                    .map_err(ProgramError::ComponentName)?;
                let component =
                    Component::load(components, &path).map_err(ProgramError::Component)?;
                Transform::Component(component)
            }
            (Some(_), Some(_)) => return Err(ProgramError::Both),
        };
        Ok(Self { filter, transform })
    }

    /// Whether the endpoint takes every event as it is.
    pub fn is_empty(&self) -> bool {
        self.filter.is_none() && matches!(self.transform, Transform::None)
    }

    /// Whether what it was compiled from is still there unchanged.
    pub fn is_current(&self) -> bool {
        match &self.transform {
            Transform::Component(component) => component.is_current(),
            _ => true,
        }
    }

    /// Whether running them on `event` may take more than some microseconds.
    pub fn may_take_long(&self, event: &Event) -> bool {
        let long = |program: &Program| program.may_take_long();
        !self.is_empty()
            && (event.data.len() >= LONG_DATA_BYTES
                || self.filter.as_ref().is_some_and(long)
                || match &self.transform {
                    Transform::None => false,
                    Transform::Expression(program) => long(program),
                    Transform::Component(_) => true,
                })
    }

    /// Runs them on an event: the filter, and where that lets it through, the transform.
    pub fn run(&self, tenant: &TenantId, event: &Event, vars: &Vars<'_>) -> Rendered {
        match self.filter.as_ref().map(|filter| filter.verdict(vars)) {
            None | Some(Ok(true)) => self.body(tenant, event, vars),
            Some(Ok(false)) => Rendered::Unwanted,
            Some(Err(error)) => Rendered::Failed(format!("filter: {error}")),
        }
    }

    fn body(&self, tenant: &TenantId, event: &Event, vars: &Vars<'_>) -> Rendered {
        let failed = |error: String| Rendered::Failed(format!("transform: {error}"));
        match &self.transform {
            Transform::None => Rendered::AsPublished,
            Transform::Expression(program) => match program.body(vars, MAX_OUTPUT_BYTES) {
                Ok(body) => Rendered::Body(body.into()),
                Err(error) => failed(error.to_string()),
            },
            Transform::Component(component) => match component.run(tenant, event, MAX_OUTPUT_BYTES)
            {
                Ok(Some(body)) => Rendered::Body(body.into()),
                Ok(None) => Rendered::Unwanted,
                Err(error) => failed(error.to_string()),
            },
        }
    }
}
