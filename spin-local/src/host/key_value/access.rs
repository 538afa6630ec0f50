//! The key-value stores that a guest has open.

use wasmtime::component::Resource;

use super::store::{Store, StoreError, StoreResult};
use crate::host::blocking::blocking;
use crate::host::limit::ResultLimit;
use crate::host::state::State;

/// The maximum number of open stores of an instance, as in Spin.
const MAX_OPEN_STORES: usize = 256;

/// The error of a store that cannot be opened.
pub(super) enum OpenError {
    Denied,
    TooMany,
}

impl State {
    pub(super) fn open_store(
        &mut self,
        label: &str,
    ) -> wasmtime::Result<Result<Resource<Store>, OpenError>> {
        let Some(store) = self.grants.key_value.get(label) else {
            return Ok(Err(OpenError::Denied));
        };
        if self.open_stores == MAX_OPEN_STORES {
            return Ok(Err(OpenError::TooMany));
        }
        self.open_stores += 1;
        Ok(Ok(self.table.push(store.clone())?))
    }

    pub(super) fn close_store(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        self.open_stores -= 1;
        Ok(())
    }

    /// Runs `operation` on an open store with the limit of its result. An error becomes that of the
    /// interface.
    pub(super) async fn with_store<T: Send + 'static, E: From<StoreError>>(
        &mut self,
        store: &Resource<Store>,
        operation: impl FnOnce(&Store, ResultLimit) -> StoreResult<T> + Send + 'static,
    ) -> wasmtime::Result<Result<T, E>> {
        let store = self.table.get(store)?.clone();
        let limit = self.memory.result_limit();
        let outcome = blocking(move || operation(&store, limit)).await?;
        Ok(outcome.map_err(E::from))
    }
}
