//! The compiled filter and transform of an endpoint.

use bytes::Bytes;
use webhook_model::{Endpoint, Event, TenantId};

use super::component::{Component, ComponentError, Folder};
use super::expression::{CompileError, Program, Vars};

/// The largest size in bytes of the body that a transform returns.
pub const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// The length of data from which on parsing takes long enough to run outside the async threads.
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

/// The reason for which the programs of an endpoint cannot be used.
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
    /// Returns the field of the endpoint that is at fault.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Filter(_) => "filter",
            Self::Transform(_) => "transform",
            Self::Component(_) | Self::ComponentName(_) | Self::Both => "transform_component",
        }
    }

    /// Returns the error for operators, which includes the reason for a component.
    pub fn detail(&self) -> String {
        match self {
            Self::Component(error) => format!("{}: {}", self.field(), error.detail()),
            other => other.to_string(),
        }
    }

    /// Returns true if another try would fail in the same way, because the file at fault is
    /// unchanged.
    pub fn is_current(&self) -> bool {
        match self {
            Self::Component(error) => error.is_current(),
            _ => true,
        }
    }
}

/// The body of an event for an endpoint.
#[derive(Debug, PartialEq, Eq)]
pub enum Rendered {
    /// The data is sent as it was published.
    AsPublished,
    /// This body is sent.
    Body(Bytes),
    /// The event is not sent.
    Unwanted,
    /// A program failed, for this reason.
    Failed(String),
}

impl Programs {
    /// Compiles the programs that the endpoint declares; `components` is the folder of its
    /// component. A component takes long: call this outside the async threads.
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

    /// Returns true if the endpoint has neither a filter nor a transform.
    pub fn is_empty(&self) -> bool {
        self.filter.is_none() && matches!(self.transform, Transform::None)
    }

    /// Returns true if the files that the programs were compiled from are unchanged.
    pub fn is_current(&self) -> bool {
        match &self.transform {
            Transform::Component(component) => component.is_current(),
            _ => true,
        }
    }

    /// Returns true if running the programs on `event` may take more than some microseconds.
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

    /// Runs the filter on an event and, if it accepts the event, the transform.
    pub fn run(&self, tenant: &TenantId, event: &Event, vars: &Vars<'_>) -> Rendered {
        match self.filter.as_ref().map(|filter| filter.accepts(vars)) {
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
