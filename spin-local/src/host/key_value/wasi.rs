//! `wasi:keyvalue@0.2.0-draft2`: the same stores through WASI's interfaces.

use wasmtime::component::Resource;

use super::access::OpenError;
use super::store::{Cas, Store, StoreError};
use crate::host::bindings::wasi::keyvalue::atomics::{self, CasError};
use crate::host::bindings::wasi::keyvalue::batch;
use crate::host::bindings::wasi::keyvalue::store::{self, Error, KeyResponse};
use crate::host::blocking::blocking;
use crate::host::limit::ResultLimit;
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
            OpenError::TooMany => Self::Other("store table full".to_owned()),
        }
    }
}

type HostResult<T> = wasmtime::Result<Result<T, Error>>;

impl store::Host for State {
    async fn open(&mut self, identifier: String) -> HostResult<Resource<Store>> {
        Ok(self.open_store(&identifier)?.map_err(Error::from))
    }
}

impl store::HostBucket for State {
    async fn get(&mut self, bucket: Resource<Store>, key: String) -> HostResult<Option<Vec<u8>>> {
        self.with_store(&bucket, move |store, limit| store.get(&key, limit))
            .await
    }

    async fn set(
        &mut self,
        bucket: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> HostResult<()> {
        self.with_store(&bucket, move |store, _| store.set(&key, &value))
            .await
    }

    async fn delete(&mut self, bucket: Resource<Store>, key: String) -> HostResult<()> {
        self.with_store(&bucket, move |store, _| store.delete(&key))
            .await
    }

    async fn exists(&mut self, bucket: Resource<Store>, key: String) -> HostResult<bool> {
        self.with_store(&bucket, move |store, _| store.exists(&key))
            .await
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Store>,
        cursor: Option<String>,
    ) -> HostResult<KeyResponse> {
        if cursor.is_some() {
            let reason = "list_keys: cursor not supported";
            return Ok(Err(Error::Other(reason.to_owned())));
        }
        let keys = self.with_store(&bucket, Store::keys).await?;
        Ok(keys.map(|keys| KeyResponse { keys, cursor: None }))
    }

    async fn drop(&mut self, bucket: Resource<Store>) -> wasmtime::Result<()> {
        self.close_store(bucket)
    }
}

impl batch::Host for State {
    async fn get_many(
        &mut self,
        bucket: Resource<Store>,
        keys: Vec<String>,
    ) -> HostResult<Vec<(String, Option<Vec<u8>>)>> {
        self.with_store(&bucket, move |store, limit| store.get_many(&keys, limit))
            .await
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Store>,
        pairs: Vec<(String, Vec<u8>)>,
    ) -> HostResult<()> {
        self.with_store(&bucket, move |store, _| store.set_many(&pairs))
            .await
    }

    async fn delete_many(&mut self, bucket: Resource<Store>, keys: Vec<String>) -> HostResult<()> {
        self.with_store(&bucket, move |store, _| store.delete_many(&keys))
            .await
    }
}

impl atomics::Host for State {
    async fn increment(
        &mut self,
        bucket: Resource<Store>,
        key: String,
        delta: i64,
    ) -> HostResult<i64> {
        self.with_store(&bucket, move |store, _| store.increment(&key, delta))
            .await
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), CasError>> {
        let cas = self.table.delete(cas)?;
        self.memory.release(cas.held());
        let Cas { store, key, .. } = cas.clone();
        let swapped = blocking(move || cas.store.swap(&cas.key, cas.seen.as_deref(), &value));
        match swapped.await? {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => {}
            Err(error) => return Ok(Err(CasError::StoreError(error.into()))),
        }
        match self.new_cas(store, key).await? {
            Ok(cas) => Ok(Err(CasError::CasFailed(cas))),
            Err(error) => Ok(Err(CasError::StoreError(error))),
        }
    }
}

impl atomics::HostCas for State {
    async fn new(&mut self, bucket: Resource<Store>, key: String) -> HostResult<Resource<Cas>> {
        let store = self.table.get(&bucket)?.clone();
        self.new_cas(store, key).await
    }

    async fn current(&mut self, cas: Resource<Cas>) -> HostResult<Option<Vec<u8>>> {
        let before = self.table.get(&cas)?.clone();
        let limit = self.memory.result_limit();
        let now = match read_cas(before.store.clone(), before.key.clone(), limit).await? {
            Ok(now) => now,
            Err(error) => return Ok(Err(error.into())),
        };
        self.memory.release(before.held());
        if let Err(too_large) = self.memory.hold(now.held()) {
            self.memory.hold(before.held()).unwrap_or_default();
            return Ok(Err(StoreError::from(too_large).into()));
        }
        let seen = now.seen.clone();
        *self.table.get_mut(&cas)? = now;
        Ok(Ok(seen))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        let cas = self.table.delete(cas)?;
        self.memory.release(cas.held());
        Ok(())
    }
}

impl State {
    /// Returns a handle that expects the current value of `key`.
    async fn new_cas(&mut self, store: Store, key: String) -> HostResult<Resource<Cas>> {
        let cas = match read_cas(store, key, self.memory.result_limit()).await? {
            Ok(cas) => cas,
            Err(error) => return Ok(Err(error.into())),
        };
        match self.memory.hold(cas.held()) {
            Ok(()) => Ok(Ok(self.table.push(cas)?)),
            Err(too_large) => Ok(Err(StoreError::from(too_large).into())),
        }
    }
}

async fn read_cas(
    store: Store,
    key: String,
    limit: ResultLimit,
) -> wasmtime::Result<Result<Cas, StoreError>> {
    blocking(move || {
        let seen = store.get(&key, limit)?;
        Ok(Cas { store, key, seen })
    })
    .await
}
