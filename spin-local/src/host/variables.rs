//! The variables capability, through Spin's interface and WASI's. The values are fixed when the app
//! is loaded.

use super::bindings::fermyon::spin::variables as spin;
use super::bindings::wasi::config::store as wasi;
use super::state::State;
use crate::variables::check_name;

impl State {
    fn variable(&self, name: &str) -> Result<String, spin::Error> {
        check_name(name).map_err(|error| spin::Error::InvalidName(error.to_string()))?;
        self.grants.variables.get(name).cloned().ok_or_else(|| {
            let component = &self.grants.component;
            spin::Error::Undefined(format!("no variable for {component:?}.{name:?}"))
        })
    }
}

impl spin::Host for State {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, spin::Error>> {
        Ok(self.variable(&name))
    }
}

impl wasi::Host for State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, wasi::Error>> {
        Ok(Ok(self.grants.variables.get(&key).cloned()))
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, wasi::Error>> {
        let variables = self.grants.variables.iter();
        let pairs = variables.map(|(name, value)| (name.clone(), value.clone()));
        Ok(Ok(pairs.collect()))
    }
}
