//! `[api]`: the listener and the keys that grant access.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;

use config_diagnostics::{Fields, Node};
use webhook_model::{Role, TenantId, TokenHash};
use webhook_signature::MIN_SECRET_BYTES;

use super::read::{self, parsed};
use super::secret_ref::{self, Token};
use crate::keys::{ConfiguredKey, check_name, check_tenant, parse_role};

/// The name of the key that `[api] token` declares.
const TOKEN_NAME: &str = "api.token";

/// `[api]`
#[derive(Clone, Debug)]
pub struct ApiConfig {
    pub listen: SocketAddr,
    /// An administrator's key. Without it and without `keys`, the API listens on loopback only.
    pub token: Option<Token>,
    /// `[[api.key]]`
    pub keys: Vec<ApiKeyConfig>,
}

/// `[[api.key]]`
#[derive(Clone, Debug)]
pub struct ApiKeyConfig {
    pub name: String,
    pub role: Role,
    /// The tenant that it is bound to; `None` for administrators.
    pub tenant: Option<TenantId>,
    pub value: Token,
}

/// The names and the texts of the keys so far.
#[derive(Default)]
struct Seen {
    names: HashSet<String>,
    texts: HashSet<TokenHash>,
}

impl ApiConfig {
    pub(super) fn read(fields: &mut Fields<'_>, folder: &Path) -> Self {
        let default = SocketAddr::from(([127, 0, 0, 1], 8080));
        let line = fields.line_of("listen");
        let address = parsed("an address such as `127.0.0.1:8080`");
        let listen = fields.get("listen", address).unwrap_or(default);
        let expected = fields.has("token") || fields.has("key");
        let token = fields.get("token", |node| token(node, folder));
        let mut seen = Seen::default();
        let texts = token.iter().map(|token| TokenHash::of(token.reveal()));
        seen.texts.extend(texts);
        seen.names
            .extend(token.iter().map(|_| TOKEN_NAME.to_owned()));
        let keys = fields.tables("key", |part| ApiKeyConfig::read(part, folder, &mut seen));
        if !expected && !listen.ip().to_canonical().is_loopback() {
            let message =
                format!("`{listen}` is reached from outside, and there is no `api.token`");
            fields.fault_at("listen", line, message);
        }
        Self {
            listen,
            token,
            keys: keys.into_iter().flatten().collect(),
        }
    }

    /// Returns all keys of the file.
    pub fn configured_keys(&self) -> Vec<ConfiguredKey> {
        let token = self.token.iter();
        let token =
            token.map(|text| ConfiguredKey::new(TOKEN_NAME, Role::Admin, None, text.reveal()));
        let keys = self.keys.iter().map(|key| {
            ConfiguredKey::new(&key.name, key.role, key.tenant.clone(), key.value.reveal())
        });
        token.chain(keys).collect()
    }
}

impl ApiKeyConfig {
    fn read(fields: &mut Fields<'_>, folder: &Path, seen: &mut Seen) -> Option<Self> {
        let line = fields.line_of("name");
        let name = fields.need("name", |node| {
            let name = read::text(node)?;
            check_name(&name).map(|()| name)
        });
        if let Some(name) = &name
            && !seen.names.insert(name.clone())
        {
            fields.fault_at("name", line, format!("key `{name}` is there twice"));
        }
        let role = fields.need("role", |node| parse_role(&read::text(node)?));
        let (line, has_tenant) = (fields.line_of("tenant"), fields.has("tenant"));
        let tenant = fields.get("tenant", |node| {
            TenantId::parse(&read::text(node)?).map_err(|error| error.to_string())
        });
        if let Some(Err(fault)) = role.map(|role| check_tenant(role, has_tenant)) {
            fields.fault_at("tenant", line, fault);
        }
        let line = fields.line_of("value");
        let value = fields.need("value", |node| token(node, folder));
        if let Some(value) = &value
            && !seen.texts.insert(TokenHash::of(value.reveal()))
        {
            fields.fault_at("value", line, "another key has the same value");
        }
        Some(Self {
            name: name?,
            role: role?,
            tenant,
            value: value?,
        })
    }
}

/// Reads a token that is a valid header value and long enough not to be guessed.
pub(super) fn token(node: Node, folder: &Path) -> Result<Token, String> {
    let token = secret_ref::secret(folder)(node)?;
    let fits = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if !token.reveal().bytes().all(fits) {
        return Err("a token must be a valid header value: visible ASCII characters only".into());
    }
    match token.reveal().len() {
        MIN_SECRET_BYTES.. => Ok(token),
        bytes => Err(format!(
            "a token of {bytes} bytes; at least {MIN_SECRET_BYTES} are required"
        )),
    }
}
