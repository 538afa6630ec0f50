//! An endpoint made ready for use.

use signature::Credential;

use crate::model::{Endpoint, Millis};

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error("url `{url}`: {detail}")]
    Url { url: String, detail: String },
    #[error("a secret cannot be used: {0}")]
    Secret(signature::CredentialError),
}

/// An endpoint whose URL is parsed and whose keys are read.
pub struct Ready {
    pub endpoint: Endpoint,
    pub url: url::Url,
    /// The newest first, each with the moment from when on it no longer signs.
    pub credentials: Vec<(Credential, Option<Millis>)>,
}

impl Ready {
    /// # Errors
    ///
    /// An [`EndpointError`].
    pub fn new(endpoint: Endpoint) -> Result<Self, EndpointError> {
        let url = url::Url::parse(&endpoint.url).map_err(|error| EndpointError::Url {
            url: endpoint.url.clone(),
            detail: error.to_string(),
        })?;
        let credentials = endpoint
            .secrets
            .iter()
            .map(|secret| Ok((secret.credential()?, secret.expires_at)))
            .collect::<Result<_, _>>()
            .map_err(EndpointError::Secret)?;
        Ok(Self {
            endpoint,
            url,
            credentials,
        })
    }
}
