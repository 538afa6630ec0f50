//! A page with something secret, which is shown once.

use askama::Template;
use axum::response::Response;

use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::link::Link;
use crate::pages::text::Text;

/// A secret that was just made.
#[derive(Template)]
#[template(path = "once.html")]
pub struct Once {
    pub page: Page,
    /// The name of the value, as the subject of a sentence.
    pub what: Text,
    pub value: Text,
    /// The use of the value.
    pub hint: &'static str,
    pub back: Link,
}

impl Once {
    /// Shows the secret.
    ///
    /// # Errors
    ///
    /// Fails if the template does.
    pub fn show(&self) -> Result<Response, PageError> {
        html(self)
    }
}
