//! Signing in with a key, and out.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use crate::pages::cookie;
use crate::pages::csrf::{self, FormToken};
use crate::pages::error::PageError;
use crate::pages::layout::{Page, html};
use crate::pages::notice;
use crate::pages::state::Pages;
use crate::pages::text::Text;
use crate::pages::visit::{Posted, fields, peer, require_same_origin};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    page: Page,
    failure: Option<Text>,
}

/// Shows the form. Its token belongs to a cookie, so that no other site can sign a browser in with a
/// key of its own.
pub async fn form(
    State(pages): State<Pages>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Result<Response, PageError> {
    let (parts, _) = request.into_parts();
    if pages.gate.without_key(peer(&parts)).is_some() {
        return Ok(Redirect::to("/ui/").into_response());
    }
    let done = query.get("done").map(String::as_str).unwrap_or_default();
    let is_https = is_https(&pages, &parts.headers);
    show(StatusCode::OK, is_https, None, notice::of(done, ""))
}

fn is_https(pages: &Pages, headers: &HeaderMap) -> bool {
    pages.is_https || cookie::is_behind_tls(headers)
}

fn show(
    status: StatusCode,
    is_https: bool,
    failure: Option<Text>,
    notice: Option<String>,
) -> Result<Response, PageError> {
    let secret = hex::encode(rand::random::<[u8; 16]>());
    let mut page = Page::outside("Sign in");
    page.notice = notice;
    page.form_token = FormToken::of(&secret).as_str().to_owned();
    let body = html(&SignIn { page, failure })?;
    let cookie = [(SET_COOKIE, cookie::begin_sign_in(&secret, is_https))];
    Ok((status, cookie, body).into_response())
}

pub async fn sign_in(State(pages): State<Pages>, request: Request) -> Result<Response, PageError> {
    let (parts, body) = request.into_parts();
    let (headers, peer) = (parts.headers.clone(), peer(&parts));
    require_same_origin(&headers)?;
    let is_https = is_https(&pages, &headers);
    let fields = fields(Request::from_parts(parts, body), &pages).await?;
    let field = |name| fields.get(name).map(String::as_str).unwrap_or_default();
    let secret = cookie::sign_in(&headers).ok_or_else(PageError::foreign_form)?;
    if !FormToken::of(secret).is(field(csrf::FIELD)) {
        return Err(PageError::foreign_form());
    }
    let session = match pages.gate.sign_in(field("key").trim(), peer).await {
        Ok(session) => session,
        Err(error) => return show(error.status, is_https, Some(error.sentence), None),
    };
    let cookie = cookie::begin_session(&session.token, session.seconds, is_https);
    Ok(leave_for("/ui", cookie))
}

pub async fn sign_out(headers: HeaderMap, posted: Posted) -> Result<Response, PageError> {
    let visit = posted.visit;
    if let Some(token) = cookie::session(&headers) {
        visit.pages.gate.sign_out(token, visit.peer).await?;
    }
    let cookie = cookie::end_session(is_https(&visit.pages, &headers));
    Ok(leave_for("/ui/sign-in?done=signed-out", cookie))
}

fn leave_for(place: &str, cookie: String) -> Response {
    let headers = [(LOCATION, place.to_owned()), (SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, headers).into_response()
}
