//! `fermyon:spin/key-value@2.0.0`.

use wasmtime::component::Resource;

use super::{Fault, NotOpened, Store};
use crate::host::State;
use crate::host::bindings::fermyon::spin::key_value::{Error, Host, HostStore};

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Other(fault.to_string())
    }
}

impl From<NotOpened> for Error {
    fn from(reason: NotOpened) -> Self {
        match reason {
            NotOpened::Denied => Self::AccessDenied,
            NotOpened::TooMany => Self::StoreTableFull,
        }
    }
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for State {}

impl HostStore for State {
    async fn open(&mut self, label: String) -> Answer<Resource<Store>> {
        Ok(self.open_store(&label)?.map_err(Error::from))
    }

    async fn get(&mut self, store: Resource<Store>, key: String) -> Answer<Option<Vec<u8>>> {
        self.with_store(&store, move |store, limit| store.get(&key, limit))
            .await
    }

    async fn set(&mut self, store: Resource<Store>, key: String, value: Vec<u8>) -> Answer<()> {
        self.with_store(&store, move |store, _| store.set(&key, &value))
            .await
    }

    async fn delete(&mut self, store: Resource<Store>, key: String) -> Answer<()> {
        self.with_store(&store, move |store, _| store.delete(&key))
            .await
    }

    async fn exists(&mut self, store: Resource<Store>, key: String) -> Answer<bool> {
        self.with_store(&store, move |store, _| store.exists(&key))
            .await
    }

    async fn get_keys(&mut self, store: Resource<Store>) -> Answer<Vec<String>> {
        self.with_store(&store, Store::keys).await
    }

    async fn drop(&mut self, store: Resource<Store>) -> wasmtime::Result<()> {
        self.close_store(store)
    }
}
