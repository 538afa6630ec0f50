//! Errors that readers see, in full sentences.

use axum::http::StatusCode;

use super::text::Text;
use super::wire::Problem;

/// An error that a reader sees.
#[derive(Debug)]
pub struct PageError {
    pub status: StatusCode,
    /// The code of the API's problem; empty if the error is not one of the API.
    pub code: Text,
    /// One sentence or more.
    pub sentence: Text,
    /// The address to go to instead.
    pub elsewhere: Option<&'static str>,
}

impl PageError {
    pub fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        Self {
            status,
            code: Text::default(),
            sentence: sentence.into().into(),
            elsewhere: None,
        }
    }

    /// Returns an error that leads to the sign-in page.
    pub fn signed_out() -> Self {
        Self {
            elsewhere: Some("/ui/sign-in"),
            ..Self::new(StatusCode::SEE_OTHER, "You are not signed in.")
        }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("There is no {what} here. It may have been deleted, or the address is wrong."),
        )
    }

    /// Returns 403 for a form that was not sent from a page of this session.
    pub fn foreign_form() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This form does not belong to your session. Nothing was changed. Go back, reload the \
             page, and send it again.",
        )
    }

    /// Returns 500 for an exchange with the API that could not be understood; logs its cause.
    pub fn unreadable(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a page could not be made");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The page could not be made. The log of the sender has the reason.",
        )
    }

    /// Converts an error of the API.
    pub fn of_api(status: StatusCode, problem: Option<Problem>) -> Self {
        let Some(problem) = problem else {
            return Self::unreadable(format!("the API responded with {status}"));
        };
        if status == StatusCode::UNAUTHORIZED {
            return Self::signed_out();
        }
        Self {
            code: problem.code.clone(),
            ..Self::new(status, sentence(&problem))
        }
    }

    /// Returns `true` if the visitor can correct the form.
    pub fn is_correctable(&self) -> bool {
        matches!(self.status.as_u16(), 400 | 409 | 413 | 422 | 502)
    }
}

/// Returns the title and the detail of a problem as sentences.
fn sentence(problem: &Problem) -> String {
    let detail = problem.detail.as_ref().map(Text::raw).unwrap_or_default();
    match problem.code.raw() {
        "not-found" => format!(
            "There is no {} here. It may have been deleted, or it belongs to another tenant.",
            detail.replace('`', "")
        ),
        "store-unavailable" => "The store cannot be reached. The change may or may not have been \
                                made; repeating it does no harm."
            .to_owned(),
        _ if detail.is_empty() => format!("{}.", problem.title.raw()),
        _ => format!("{}: {detail}.", problem.title.raw()),
    }
}
