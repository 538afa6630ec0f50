//! The frame of every page.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use webhook_model::Millis;

use super::assets::{ASSETS, Assets};
use super::error::PageError;
use super::gate::Visitor;
use super::moment::{Moment, TimeElement};
use super::text::Text;

/// The parts of a page around its content.
pub struct Page {
    pub title: Text,
    /// The entry of the navigation that the page belongs to.
    pub section: &'static str,
    /// The start of the addresses of the tenant's pages.
    pub base: String,
    /// The tenant that the page is about.
    pub tenant: Option<Text>,
    pub visitor: Option<Visitor>,
    pub form_token: String,
    pub notice: Option<String>,
    pub now: Millis,
}

impl Page {
    /// Returns a page for a reader who is not signed in.
    pub fn outside(title: &str) -> Self {
        Self {
            title: title.into(),
            section: "",
            base: "/ui".into(),
            tenant: None,
            visitor: None,
            form_token: String::new(),
            notice: None,
            now: Millis::default(),
        }
    }

    pub fn assets(&self) -> &'static Assets {
        &ASSETS
    }

    /// Returns a time in words.
    pub fn time(&self, at: &Moment) -> TimeElement {
        at.relative_to(self.now)
    }

    /// Returns `true` for the entry of the navigation that the page belongs to.
    pub fn is_current(&self, section: &str) -> bool {
        self.section == section
    }

    pub fn can_change(&self) -> bool {
        self.visitor.as_ref().is_some_and(|it| it.can_change)
    }

    pub fn is_portal(&self) -> bool {
        self.visitor.as_ref().is_some_and(|it| it.is_portal)
    }
}

/// Renders a page.
///
/// # Errors
///
/// Fails if the template does, which no template here can.
pub fn html(template: &impl Template) -> Result<Response, PageError> {
    let text = template.render().map_err(PageError::unreadable)?;
    Ok(Html(text).into_response())
}
