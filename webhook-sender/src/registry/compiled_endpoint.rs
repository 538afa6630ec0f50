//! An endpoint made compiled for use.

use bytes::Bytes;
use event_transforms::component::Folder;
use event_transforms::expression::Vars;
use event_transforms::{ProgramError, Programs, Rendered};
use webhook_model::{Endpoint, Event, Millis, TenantId, masked_url};
use webhook_signature::Credential;

/// The body of a delivery whose body is not rendered yet, or could not be. No transform makes an
/// empty body, and no published data is empty: such a delivery is rendered at its attempt, and never
/// sends what the transform was to hide.
pub const DEFERRED_BODY: Bytes = Bytes::from_static(b"");

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("url `{url}`: {detail}")]
    Url { url: String, detail: String },
    #[error("a secret cannot be used: {0}")]
    Secret(webhook_signature::CredentialError),
    #[error("compiling its programs was interrupted")]
    Interrupted,
}

/// An endpoint whose URL is parsed, whose keys are read and whose programs are compiled.
pub struct CompiledEndpoint {
    pub endpoint: Endpoint,
    pub url: url::Url,
    /// The newest first, each with the moment from when on it no longer signs.
    pub credentials: Vec<(Credential, Option<Millis>)>,
    /// Filter and transform. An error makes dead letters of its events; what is pending goes out.
    pub programs: Result<Programs, ProgramError>,
}

impl CompiledEndpoint {
    /// Takes long where the endpoint has a component, which is a file of `components`: keep it off
    /// the async threads.
    ///
    /// # Errors
    ///
    /// An [`EndpointError`].
    pub fn new(endpoint: Endpoint, components: &Folder) -> Result<Self, EndpointError> {
        let url = url::Url::parse(&endpoint.url).map_err(|error| EndpointError::Url {
            url: masked_url(&endpoint.url).into_owned(),
            detail: error.to_string(),
        })?;
        let credentials = endpoint
            .secrets
            .iter()
            .map(|secret| Ok((secret.credential()?, secret.expires_at)))
            .collect::<Result<_, _>>()
            .map_err(EndpointError::Secret)?;
        Ok(Self {
            programs: Programs::compile(&endpoint, components),
            endpoint,
            url,
            credentials,
        })
    }

    /// Runs the endpoint's filter and transform on an event of `tenant`.
    pub fn render(&self, tenant: &TenantId, event: &Event, vars: &Vars<'_>) -> Rendered {
        match &self.programs {
            Ok(programs) => programs.run(tenant, event, vars),
            Err(error) => Rendered::Failed(error.to_string()),
        }
    }

    /// Whether there is nothing to compile.
    pub(super) fn needs_no_compiling(endpoint: &Endpoint) -> bool {
        let sources = [
            &endpoint.filter,
            &endpoint.transform,
            &endpoint.transform_component,
        ];
        sources.iter().all(|source| source.is_none())
    }

    /// Whether this is what [`CompiledEndpoint::new`] makes of `endpoint` at present.
    pub(super) fn is(&self, endpoint: &Endpoint) -> bool {
        self.endpoint == *endpoint && self.is_current()
    }

    /// Whether the files that the endpoint names are as they were.
    pub(super) fn is_current(&self) -> bool {
        match &self.programs {
            Ok(programs) => programs.is_current(),
            Err(error) => error.is_current(),
        }
    }
}
