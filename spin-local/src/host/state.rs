//! The host's state of one request.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::grants::Grants;
use super::limit::MemoryLimit;
use super::outbound_http::{Components, OutboundHttp};

/// The host's state of one request.
pub(crate) struct State {
    pub(super) table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
    pub(super) memory: MemoryLimit,
    pub(super) grants: Arc<Grants>,
    pub(super) open_stores: usize,
    pub(super) open_connections: usize,
    pub(super) open_postgres_connections: usize,
    pub(super) open_redis_connections: usize,
}

impl State {
    /// Returns the state for an instance at `depth`, which can call the other `components` of the
    /// app, and whose memories together can grow to `memory_bytes`.
    pub(super) fn new(
        components: Arc<dyn Components>,
        grants: Arc<Grants>,
        depth: usize,
        memory_bytes: usize,
    ) -> wasmtime::Result<Self> {
        Ok(Self {
            table: ResourceTable::new(),
            wasi: wasi(&grants)?,
            http: WasiHttpCtx::new(),
            outbound: OutboundHttp::new(components, grants.clone(), depth),
            memory: MemoryLimit::new(memory_bytes),
            grants,
            open_stores: 0,
            open_connections: 0,
            open_postgres_connections: 0,
            open_redis_connections: 0,
        })
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.outbound,
        }
    }
}

fn wasi(grants: &Arc<Grants>) -> wasmtime::Result<WasiCtx> {
    let mut builder = WasiCtx::builder();
    builder
        .envs(&grants.environment)
        .stdout(grants.logs.stdout.clone())
        .stderr(grants.logs.stderr.clone())
        .allow_tcp(true)
        .allow_udp(true);
    let network = grants.clone();
    builder.socket_addr_check(move |address, usage| {
        let allowed = network.network.allows_socket(address, usage);
        Box::pin(std::future::ready(allowed))
    });
    if let Some(files) = &grants.files {
        builder.preopened_dir(files.path(), "/", FsPerms::ReadOnly)?;
    }
    Ok(builder.build())
}
