//! The addresses of Redis servers and clusters.

use redis::IntoConnectionInfo;

/// The query by which the client uses RESP3.
const RESP3: &str = "protocol=resp3";

/// The address of a Redis or Valkey as a URL: one server, or a cluster by any of its nodes.
///
/// `redis://[user][:password@]host[:port][/db]`, `rediss://` for TLS, and `redis+cluster://` or
/// `rediss+cluster://` for a cluster, of which more nodes may be named:
/// `redis+cluster://one:7000?node=two:7000&node=three:7000`. The parameter `protocol=resp3` selects RESP3
/// instead of RESP2.
#[derive(Clone)]
pub struct Address {
    urls: Vec<String>,
    cluster: bool,
    resp3: bool,
    /// The URL without user and password, for messages.
    shown: String,
}

/// The reason for which a URL is not an address of Redis. It does not contain the URL's text, which
/// may include a password.
#[derive(Debug, thiserror::Error)]
#[error("redis url `{shown}`: {detail}")]
pub struct AddressError {
    shown: String,
    detail: String,
}

impl Address {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// An [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let fail = |shown: &str, detail: String| AddressError {
            shown: shown.into(),
            detail,
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| fail("…", "it has no scheme such as `redis://`".into()))?;
        let (cluster, scheme) = match scheme {
            "redis" | "rediss" => (false, scheme),
            "redis+cluster" => (true, "redis"),
            "rediss+cluster" => (true, "rediss"),
            other => {
                let detail = format!(
                    "scheme `{other}` is none of `redis`, `rediss`, `redis+cluster`, `rediss+cluster`"
                );
                return Err(fail("…", detail));
            }
        };
        check_reserved(rest).map_err(|detail| fail("…", detail))?;
        let mut url = url::Url::parse(&format!("{scheme}://{rest}"))
            .map_err(|error| fail("…", error.to_string()))?;
        let shown = shown(&url);
        check_rest(&url, cluster).map_err(|detail| fail(&shown, detail))?;
        let protocol = protocol(&url).map_err(|detail| fail(&shown, detail))?;
        let nodes = take_nodes(&mut url);
        url.set_query(protocol);
        let mut urls = vec![url.to_string()];
        for node in nodes {
            let mut other = url::Url::parse(&format!("{scheme}://{node}"))
                .map_err(|error| fail(&shown, format!("node `{node}`: {error}")))?;
            // All nodes of a cluster have the same user and password.
            let copied = other.set_username(url.username());
            copied
                .and_then(|()| other.set_password(url.password()))
                .map_err(|()| fail(&shown, format!("node `{node}` is no host")))?;
            other.set_query(protocol);
            urls.push(other.to_string());
        }
        for url in &urls {
            let known = url.as_str().into_connection_info();
            known.map_err(|error| fail(&shown, error.to_string()))?;
        }
        Ok(Self {
            urls,
            cluster,
            resp3: protocol == Some(RESP3),
            shown,
        })
    }

    /// Returns whether it is the address of a cluster.
    pub fn is_cluster(&self) -> bool {
        self.cluster
    }

    /// Returns whether it selects RESP3.
    pub fn is_resp3(&self) -> bool {
        self.resp3
    }

    /// Returns one URL for a server, one or more for a cluster.
    pub(crate) fn urls(&self) -> &[String] {
        &self.urls
    }
}

/// Rejects unencoded characters in a user or a password that would end the host: the start of the
/// user would be taken for the host.
fn check_reserved(rest: &str) -> Result<(), String> {
    let login = rest.rsplit_once('@').map_or("", |(login, _)| login);
    let found = login.find(['/', '?', '#']).map(|at| login.as_bytes()[at]);
    let (found, encoded) = match found {
        Some(b'/') => ('/', "%2F"),
        Some(b'?') => ('?', "%3F"),
        Some(_) => ('#', "%23"),
        None if rest.contains('#') => ('#', "%23"),
        None => return Ok(()),
    };
    Err(format!(
        "a `{found}` in a user or a password must be written as `{encoded}`"
    ))
}

/// Rejects parts that the client would ignore: the database of a cluster, and query parameters.
fn check_rest(url: &url::Url, cluster: bool) -> Result<(), String> {
    if cluster && !matches!(url.path(), "" | "/" | "/0") {
        return Err(format!(
            "database `{}`: a cluster has only database 0",
            url.path().trim_start_matches('/')
        ));
    }
    for (name, _) in url.query_pairs() {
        let instead = match &*name {
            "node" if cluster => continue,
            "protocol" => continue,
            "node" => "more nodes belong to `redis+cluster://`",
            "db" | "database" => "write the database as the path: `redis://HOST:PORT/3`",
            "user" | "username" | "pass" | "password" | "auth" => {
                "write user and password before the host: `redis://USER:PASSWORD@HOST`"
            }
            "tls" | "ssl" => "write `rediss://` for TLS",
            _ if cluster => "known are `node` and `protocol`",
            _ => "the only one is `protocol`",
        };
        let name: String = name.chars().take(40).collect();
        return Err(format!("unknown query parameter `{name}`: {instead}"));
    }
    Ok(())
}

/// Returns the query that selects the protocol for the client, if the URL does.
fn protocol(url: &url::Url) -> Result<Option<&'static str>, String> {
    let mut named = url.query_pairs().filter(|(name, _)| name == "protocol");
    match named.next().as_ref().map(|(_, value)| &**value) {
        None => Ok(None),
        Some("resp2") => Ok(Some("protocol=resp2")),
        Some("resp3") => Ok(Some(RESP3)),
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            Err(format!("protocol `{other}` is neither `resp2` nor `resp3`"))
        }
    }
}

/// Removes the query, which the client does not support, and returns the nodes that it names.
fn take_nodes(url: &mut url::Url) -> Vec<String> {
    let named = |(name, value): (_, std::borrow::Cow<str>)| (name == "node").then(|| value.into());
    let nodes = url.query_pairs().filter_map(named).collect();
    url.set_query(None);
    nodes
}

fn shown(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_known_by_any_of_its_nodes() {
        let text = "redis+cluster://:secret@one:7000?node=two:7001&node=three:7002";
        let address = Address::parse(text).unwrap();
        assert!(address.is_cluster());
        let expected = [
            "redis://:secret@one:7000",
            "redis://:secret@two:7001",
            "redis://:secret@three:7002",
        ];
        assert_eq!(address.urls(), expected);
    }

    #[test]
    fn what_would_be_misread_is_refused_with_what_to_write_instead() {
        for (text, instead) in [
            ("redis://:pa#s3cret@one:7000", "%23"),
            ("redis://me:12#s3cret@one:7000", "%23"),
            ("redis://:pa/s3cret@one:7000", "%2F"),
            ("redis://:pa?s3cret@one:7000", "%3F"),
            ("redis://one:7000/2#s3cret", "%23"),
            ("redis://one:7000?db=3", "redis://HOST:PORT/3"),
            ("redis://one:7000?password=s3cret", "USER:PASSWORD@HOST"),
            ("redis://one:7000?ssl=true", "rediss://"),
            ("redis://one:7000?node=two", "redis+cluster://"),
            ("redis://one:7000?timeout=s3cret", "`timeout`"),
            ("redis+cluster://one:7000?node=two&db=3", "HOST:PORT/3"),
            ("redis+cluster://one:7000?nodes=two", "`node`"),
            ("redis+cluster://one:7000/3", "database 0"),
        ] {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(error.contains(instead), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{text}: {error}");
        }
        for text in [
            "redis://:p%23a%2Fs%3Fs@one:7000/2",
            "redis://me@home:p@one",
            "redis+cluster://one:7000/0?node=two:7000",
        ] {
            let address = Address::parse(text);
            assert!(address.is_ok(), "{text}: {:?}", address.err());
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address = Address::parse("redis://me:secret@one:7000/2").unwrap();
        assert_eq!(address.to_string(), "redis://one:7000/2");
        assert_eq!(format!("{address:?}"), "redis://one:7000/2");
        for bad in ["redis://:secret@one/notadb", "http://:secret@one", "secret"] {
            let error = Address::parse(bad).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
