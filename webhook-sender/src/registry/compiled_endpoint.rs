//! Endpoints that are compiled for use.

use bytes::Bytes;
use event_transforms::component::Folder;
use event_transforms::expression::Vars;
use event_transforms::{ProgramError, Programs, Rendered};
use webhook_model::{Endpoint, Event, Millis, TenantId, masked_url};
use webhook_signature::Credential;

/// The body of a delivery whose body is not rendered yet, or could not be. No transform returns an
/// empty body, and published data is never empty. Such a delivery is rendered at its attempt, so it
/// never sends data that the transform would have hidden.
pub const DEFERRED_BODY: Bytes = Bytes::from_static(b"");

/// The reason for which an endpoint cannot be used.
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
    /// The keys, the newest first, each with the moment from which on it no longer signs.
    pub credentials: Vec<(Credential, Option<Millis>)>,
    /// Filter and transform. With an error, events become dead letters, and pending deliveries are
    /// still sent.
    pub programs: Result<Programs, ProgramError>,
}

impl CompiledEndpoint {
    /// Compiles an endpoint. This takes long if the endpoint has a component, which is a file of
    /// `components`: call it outside the async threads.
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

    /// Returns true if the endpoint has no program.
    pub(super) fn has_no_programs(endpoint: &Endpoint) -> bool {
        let sources = [
            &endpoint.filter,
            &endpoint.transform,
            &endpoint.transform_component,
        ];
        sources.iter().all(|source| source.is_none())
    }

    /// Returns true if this equals the result of [`CompiledEndpoint::new`] for `endpoint` at
    /// present.
    pub(super) fn is(&self, endpoint: &Endpoint) -> bool {
        self.endpoint == *endpoint && self.is_current()
    }

    /// Returns true if the files that the endpoint names are unchanged.
    pub(super) fn is_current(&self) -> bool {
        match &self.programs {
            Ok(programs) => programs.is_current(),
            Err(error) => error.is_current(),
        }
    }
}
