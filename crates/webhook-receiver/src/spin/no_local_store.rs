//! The stores of an app that is built without the feature `local-store`.

use super::platform::Spin;
use crate::{Database, KeyValue, PlatformError, Value};

impl KeyValue for Spin {
    fn get(&self, _: &str) -> Result<Option<Vec<u8>>, PlatformError> {
        Err(missing())
    }

    fn set(&self, _: &str, _: &[u8]) -> Result<(), PlatformError> {
        Err(missing())
    }
}

impl Database for Spin {
    fn execute(&self, _: &str, _: &[Value]) -> Result<Vec<Vec<Value>>, PlatformError> {
        Err(missing())
    }
}

fn missing() -> PlatformError {
    PlatformError {
        doing: "opening the app's own store",
        cause: "this build has none: set the variable `store_url`".to_owned(),
    }
}
