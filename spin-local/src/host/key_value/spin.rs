//! `fermyon:spin/key-value@2.0.0`.

use wasmtime::component::Resource;

use super::access::OpenError;
use super::store::{Store, StoreError};
use crate::host::bindings::fermyon::spin::key_value::{Error, Host, HostStore};
use crate::host::state::State;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<OpenError> for Error {
    fn from(reason: OpenError) -> Self {
        match reason {
            OpenError::Denied => Self::AccessDenied,
            OpenError::TooMany => Self::StoreTableFull,
        }
    }
}

type HostResult<T> = wasmtime::Result<Result<T, Error>>;

impl Host for State {}

impl HostStore for State {
    async fn open(&mut self, label: String) -> HostResult<Resource<Store>> {
        Ok(self.open_store(&label)?.map_err(Error::from))
    }

    async fn get(&mut self, store: Resource<Store>, key: String) -> HostResult<Option<Vec<u8>>> {
        self.with_store(&store, move |store, limit| store.get(&key, limit))
            .await
    }

    async fn set(&mut self, store: Resource<Store>, key: String, value: Vec<u8>) -> HostResult<()> {
        self.with_store(&store, move |store, _| store.set(&key, &value))
            .await
    }

    async fn delete(&mut self, store: Resource<Store>, key: String) -> HostResult<()> {
        self.with_store(&store, move |store, _| store.delete(&key))
            .await
    }

    async fn exists(&mut self, store: Resource<Store>, key: String) -> HostResult<bool> {
        self.with_store(&store, move |store, _| store.exists(&key))
            .await
    }

    async fn get_keys(&mut self, store: Resource<Store>) -> HostResult<Vec<String>> {
        self.with_store(&store, Store::keys).await
    }

    async fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.close_store(store)
    }
}
