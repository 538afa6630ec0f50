//! The identity of the content, which reveals its loss.

use std::sync::LazyLock;

use redis_link::Script;

use super::RedisStore;
use super::keys;
use crate::Result;

/// Removes the identity. `KEYS[1]`: the identity's key. `ARGV`: the identity to remove.
static DISOWN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(&["
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])"])
});

impl RedisStore {
    pub(super) async fn content_identity(&self) -> Result<Option<String>> {
        let mut command = redis::cmd("GET");
        command.arg(keys::identity());
        self.query(&command).await
    }

    pub(super) async fn identify_content(&self) -> Result<()> {
        let mut command = redis::cmd("SET");
        command.arg(keys::identity());
        command
            .arg(hex::encode(rand::random::<[u8; 8]>()))
            .arg("NX");
        self.query::<Option<String>>(&command).await.map(drop)
    }

    pub(super) async fn disown_content(&self, identity: &str) -> Result<()> {
        let mut call = DISOWN.call(keys::identity().as_bytes());
        call.arg(identity);
        self.run::<i64>(&DISOWN, &call).await.map(drop)
    }
}
