//! The variables capability: values that were settled when the app was loaded.

use super::State;
use super::bindings::fermyon::spin::variables as wit;
use crate::variables::check_name;

impl wit::Host for State {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, wit::Error>> {
        Ok(self.variable(&name))
    }
}

impl State {
    fn variable(&self, name: &str) -> Result<String, wit::Error> {
        check_name(name).map_err(|error| wit::Error::InvalidName(error.to_string()))?;
        self.grants.variables.get(name).cloned().ok_or_else(|| {
            let component = &self.grants.component;
            wit::Error::Undefined(format!("no variable for {component:?}.{name:?}"))
        })
    }
}
