//! Access keys.

use async_trait::async_trait;
use webhook_model::{AccessKey, KeyId, Millis, TenantId};

use super::RedisStore;
use super::keys;
use super::scripts::{ADD_KEY, DROP_KEY, DROP_SESSIONS_OF, RECORD_KEY_USES};
use super::store::shared_call;
use crate::access::AT_A_TIME;
use crate::{KeyAddition, Keys, MAX_KEYS, Result};

#[async_trait]
impl Keys for RedisStore {
    async fn keys(&self) -> Result<Vec<AccessKey>> {
        let mut command = redis::cmd("HGETALL");
        command.arg(keys::access_keys());
        let rows: Vec<(String, String)> = self.query(&command).await?;
        let read = |(_, body): &(String, String)| self.read_access::<AccessKey>(body);
        let mut all = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
        all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    async fn add_key(&self, key: &AccessKey) -> Result<KeyAddition> {
        let mut call = shared_call(&ADD_KEY);
        call.arg(key.id.as_str()).arg(&key.name);
        call.arg(String::from(key.hash));
        call.arg(self.write_access(key)?).arg(MAX_KEYS);
        Ok(match self.run::<i64>(&ADD_KEY, &call).await? {
            1 => KeyAddition::Added,
            0 => KeyAddition::Taken,
            _ => KeyAddition::TooMany,
        })
    }

    async fn delete_key(&self, id: &KeyId) -> Result<Option<AccessKey>> {
        let mut call = shared_call(&DROP_KEY);
        call.arg(id.as_str());
        let body: Option<String> = self.run(&DROP_KEY, &call).await?;
        body.map(|body| self.read_access(&body)).transpose()
    }

    async fn delete_keys_of(&self, tenant: &TenantId) -> Result<()> {
        for key in self.keys().await? {
            if key.tenant.as_ref() == Some(tenant) {
                self.delete_key(&key.id).await?;
            }
        }
        let mut call = shared_call(&DROP_SESSIONS_OF);
        call.arg(tenant.as_str()).arg(AT_A_TIME);
        while self.run::<bool>(&DROP_SESSIONS_OF, &call).await? {}
        Ok(())
    }

    async fn record_key_uses(&self, uses: &[(KeyId, Millis)]) -> Result<()> {
        for some in uses.chunks(AT_A_TIME) {
            let mut call = shared_call(&RECORD_KEY_USES);
            for (key, at) in some {
                call.arg(key.as_str()).arg(at.0);
            }
            self.run::<i64>(&RECORD_KEY_USES, &call).await?;
        }
        Ok(())
    }

    async fn key_uses(&self) -> Result<Vec<(KeyId, Millis)>> {
        let mut command = redis::cmd("HGETALL");
        command.arg(keys::key_uses());
        let rows: Vec<(String, u64)> = self.query(&command).await?;
        let read = |(key, at): (String, u64)| {
            let key = KeyId::parse(&key).map_err(|error| self.failed(error))?;
            Ok((key, Millis(at)))
        };
        let mut uses = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        uses.sort_unstable();
        Ok(uses)
    }
}

impl RedisStore {
    /// Deletes the uses from before a moment.
    pub(super) async fn prune_uses(&self, before: Millis) -> Result<()> {
        let uses = self.key_uses().await?;
        let old = uses.iter().filter(|(_, at)| *at < before);
        for (key, _) in old {
            let mut command = redis::cmd("HDEL");
            command.arg(keys::key_uses()).arg(key.as_str());
            self.query::<i64>(&command).await?;
        }
        Ok(())
    }

    /// Reads a value that is stored as JSON.
    pub(super) fn read_access<T: serde::de::DeserializeOwned>(&self, body: &str) -> Result<T> {
        serde_json::from_str(body).map_err(|error| {
            // Not the error's own text: it may quote its input.
            let (line, column) = (error.line(), error.column());
            self.failed(format!(
                "stored JSON cannot be read at line {line}, column {column}"
            ))
        })
    }

    pub(super) fn write_access(&self, value: &impl serde::Serialize) -> Result<String> {
        serde_json::to_string(value).map_err(|error| self.failed(error))
    }
}
