//! A client of the pages without a browser, which keeps cookies.

use test_support::{Reply, Request};
use url::form_urlencoded;

use crate::world::{KEY, World};

/// A signed-in client.
pub struct Visitor<'w> {
    world: &'w World,
    pub cookie: String,
}

impl<'w> Visitor<'w> {
    pub async fn sign_in(world: &'w World) -> Self {
        Self::sign_in_with(world, KEY).await
    }

    pub async fn sign_in_with(world: &'w World, key: &str) -> Self {
        let reply = sign_in(world, key).await;
        assert_eq!(reply.status, 303, "{reply:?}");
        let cookie = cookie(&reply);
        Self { world, cookie }
    }

    pub async fn get(&self, path: &str) -> Reply {
        let request = Request::get(self.world.url(path));
        request.header("cookie", &self.cookie).send().await
    }

    /// Sends a form with the token of the page at `from`.
    pub async fn post_from(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = form_token(&self.get(from).await);
        let mut fields = fields.to_vec();
        fields.push(("form_token", &token));
        self.post(path, &fields).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let request = Request::post(self.world.url(path)).header("cookie", &self.cookie);
        send_form(request, fields).await
    }
}

/// Sends the sign-in form with a key.
pub async fn sign_in(world: &World, key: &str) -> Reply {
    let page = Request::get(world.url("/ui/sign-in")).send().await;
    let token = form_token(&page);
    let request = Request::post(world.url("/ui/sign-in")).header("cookie", cookie(&page));
    send_form(request, &[("form_token", &token), ("key", key)]).await
}

pub async fn send_form(request: Request, fields: &[(&str, &str)]) -> Reply {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(body.finish()).send().await
}

/// Returns the cookie that a response sets, as a request sends it.
pub fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie").expect("a cookie");
    set.split(';').next().unwrap_or_default().to_owned()
}

/// Returns the token of the forms of a page.
pub fn form_token(page: &Reply) -> String {
    let text = page.text();
    let rest = text.split_once("name=\"form_token\" value=\"");
    let (_, rest) = rest.unwrap_or_else(|| panic!("no form in {text}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}
