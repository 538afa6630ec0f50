//! Errors as pages.

use askama::Template;
use axum::http::header::LOCATION;
use axum::response::{Html, IntoResponse, Response};

use super::error::PageError;
use super::layout::Page;
use super::text::Text;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    page: Page,
    sentence: &'a Text,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Some(place) = self.elsewhere {
            return (self.status, [(LOCATION, place)]).into_response();
        }
        let reason = self.status.canonical_reason().unwrap_or("Error");
        let page = ErrorPage {
            page: Page::outside(reason),
            sentence: &self.sentence,
        };
        let body = page.render().unwrap_or_else(|_| self.sentence.to_string());
        (self.status, Html(body)).into_response()
    }
}
