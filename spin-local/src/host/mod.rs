//! The host: compiled components, the stores behind their labels, and the state each request
//! gets of its own.
//!
//! One capability is one file here. [`Grants`] is what a component may use; it is settled when
//! the app is loaded and shared by its requests. [`State`] is one request's.

mod bindings;
mod denial;
mod files;
mod imports;
pub(crate) mod key_value;
pub(crate) mod limit;
mod outbound_http;
mod places;
pub(crate) mod redis;
mod run;
pub(crate) mod sqlite;
mod stdio;
mod stores;
mod variables;

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{Engine, Store, UpdateDeadline};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyPre};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::allowed_hosts::{self, AllowedHost};
use crate::engine::{self, Limits};
use crate::manifest::{App, Component, RouteTarget, StaticResponse};
use crate::routes::Router;
use crate::runtime_config::{BlockedNetworks, RuntimeConfig};
use crate::{compose, private, terminal};
use files::Files;
use limit::MemoryLimit;
use outbound_http::{Client, OutboundHttp};
use places::Places;
use stdio::Logs;

pub(crate) use outbound_http::chained_component;
pub(crate) use places::Place;
pub(crate) use run::Answer;
pub(crate) use stores::Stores;

/// How the host runs, beside what the manifest says.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the stores; made where it is missing.
    pub state_dir: PathBuf,
    /// The folder of what guests print; made where it is missing. None keeps it out of files.
    pub log_dir: Option<PathBuf>,
    /// Keep what guests print off the terminal. The log files have it in any case.
    pub quiet: bool,
    /// What one request may use, and how many run at a time.
    pub limits: Limits,
}

/// A loaded app, ready to respond to requests. Cheap to clone.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    engine: Engine,
    router: Router,
    /// By the component's index in the app; those that no trigger names are not here.
    guests: BTreeMap<usize, Guest>,
    static_responses: Vec<StaticResponse>,
    places: Places,
    limits: Limits,
}

/// One component of the app, compiled and linked.
struct Guest {
    grants: Arc<Grants>,
    proxy: ProxyPre<State>,
}

/// What a component may use.
pub(crate) struct Grants {
    component: String,
    key_value: HashMap<String, key_value::Store>,
    sqlite: HashMap<String, Arc<sqlite::Database>>,
    variables: BTreeMap<String, String>,
    environment: Vec<(String, String)>,
    files: Option<Files>,
    logs: Logs,
    network: Network,
}

impl Grants {
    fn new(
        component: Component,
        stores: &Stores,
        files: Option<Files>,
        logs: Logs,
        network: Network,
    ) -> Self {
        Self {
            files,
            key_value: stores.key_value_of(&component),
            sqlite: stores.sqlite_of(&component),
            variables: component.variables,
            environment: component.environment,
            component: component.id,
            logs,
            network,
        }
    }

    /// Reports that the component may not reach an origin.
    fn report_denied(&self, origin: &str) {
        terminal::line(format_args!(
            "component `{}` may not reach `{origin}`: its `allowed_outbound_hosts` has no such \
             entry",
            self.component
        ));
    }
}

/// What a component may reach.
struct Network {
    allowed: Vec<AllowedHost>,
    blocked: BlockedNetworks,
    /// Where this app itself listens, for requests to `self`.
    own_address: SocketAddr,
    client: Client,
}

impl Network {
    /// A guest reaches out and is never reached: it binds nothing but what connecting and
    /// sending bind by themselves.
    fn allows_socket(&self, address: SocketAddr, usage: SocketAddrUse) -> bool {
        match usage {
            SocketAddrUse::TcpConnect => self.allows_address(address, "tcp"),
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
                self.allows_address(address, "udp")
            }
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                address.ip().is_unspecified() && address.port() == 0
            }
            _ => false,
        }
    }

    fn allows_address(&self, address: SocketAddr, scheme: &str) -> bool {
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        allowed_hosts::allows(&self.allowed, scheme, &host, Some(address.port()))
            && !self.blocked.blocks(address.ip())
    }
}

impl Host {
    /// Opens the stores and logs under the settings' state folder, and composes, compiles and
    /// links every component. `own_address` is where the app will listen: requests of a guest
    /// to `self` go there.
    ///
    /// # Errors
    /// A file cannot be read or opened, a dependency does not fit, or a component imports what
    /// the host does not have or does not answer HTTP. The text names the component.
    pub fn start(
        app: App,
        config: RuntimeConfig,
        settings: Settings,
        own_address: SocketAddr,
    ) -> anyhow::Result<Self> {
        let stores = Stores::open(&app, &config, &settings.state_dir)?;
        Self::with_stores(app, &config, settings, own_address, &stores)
    }

    /// [`Host::start`] with stores that are open already.
    pub(crate) fn with_stores(
        app: App,
        config: &RuntimeConfig,
        settings: Settings,
        own_address: SocketAddr,
        stores: &Stores,
    ) -> anyhow::Result<Self> {
        let router = Router::new(&app.routes)?;
        let engine = engine::new(&settings.limits)?;
        let linker = linker(&engine)?;
        let log_dir = settings.log_dir.as_deref();
        log_dir.map(private::make_state_folder).transpose()?;
        let client = Client::new();
        let mut guests = BTreeMap::new();
        let mut places: Option<Vec<u32>> = None;
        for (index, component) in app.components.into_iter().enumerate() {
            if !component.triggered {
                continue;
            }
            let (proxy, fitting) = link(&engine, linker.clone(), &component, &settings.limits)
                .with_context(|| format!("component `{}`", component.id))?;
            places = Some(match places {
                None => fitting,
                Some(before) => before.into_iter().zip(fitting).map(least).collect(),
            });
            let logs = Logs::open(log_dir, &component.id, settings.quiet)?;
            let files = Files::copy(&component, &app.dir)
                .with_context(|| format!("component `{}`", component.id))?;
            let network = Network {
                allowed: component.allowed_outbound_hosts.clone(),
                blocked: config.blocked.clone(),
                own_address,
                client: client.clone(),
            };
            let grants = Arc::new(Grants::new(component, stores, files, logs, network));
            guests.insert(index, Guest { grants, proxy });
        }
        Ok(Self(Arc::new(Inner {
            engine,
            router,
            guests,
            static_responses: app.static_responses,
            places: Places::new(places.unwrap_or_default()),
            limits: settings.limits,
        })))
    }

    pub(crate) fn router(&self) -> &Router {
        &self.0.router
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn component_id(&self, index: usize) -> &str {
        &self.0.guests[&index].grants.component
    }

    pub(crate) fn static_response(&self, index: usize) -> &StaticResponse {
        &self.0.static_responses[index]
    }

    /// The name before a route in the list at start.
    pub(crate) fn name_of(&self, target: RouteTarget) -> &str {
        match target {
            RouteTarget::Component(index) => self.component_id(index),
            RouteTarget::Static(_) => "static response",
        }
    }

    /// Returns `true` while requests wait because all places are taken.
    pub(crate) fn wants_places(&self) -> bool {
        self.0.places.are_wanted()
    }

    /// The component of this name that a trigger names, be it a private one.
    fn component_named(&self, id: &str) -> Option<usize> {
        let mut guests = self.0.guests.iter();
        let named = guests.find(|(_, guest)| guest.grants.component == id);
        named.map(|(index, _)| *index)
    }

    /// A place for an instance, as soon as one is free: at depth 0 for a request from outside,
    /// below it for a component that another calls. None where that would be too deep.
    pub(crate) async fn place(&self, depth: usize) -> Option<Place> {
        self.0.places.take(depth).await
    }

    /// A fresh instance of a component in a store of its own.
    async fn instantiate(&self, component: usize, place: Place) -> wasmtime::Result<Instance> {
        let guest = &self.0.guests[&component];
        let state = State::new(self, guest.grants.clone(), place.depth)?;
        let mut store = Store::new(&self.0.engine, state);
        store.limiter(|state| &mut state.memory);
        self.bound_execution(&mut store);
        let proxy = guest.proxy.instantiate_async(&mut store).await?;
        Ok(Instance {
            proxy,
            store,
            _place: place,
        })
    }

    /// Each epoch spent executing gives the thread to others; too many end the request.
    fn bound_execution(&self, store: &mut Store<State>) {
        let limits = &self.0.limits;
        let execution = limits.execution;
        let mut left = limits.epochs();
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            left -= 1;
            if left == 0 {
                wasmtime::bail!("stopped after executing for {execution:?}");
            }
            Ok(UpdateDeadline::Yield(1))
        });
    }

    /// Waits until no instance is left, the ones that outlive their response included.
    pub(crate) async fn finished(&self) {
        self.0.places.all_free().await;
    }
}

fn least((one, other): (u32, u32)) -> u32 {
    one.min(other)
}

/// A component's instance for one request; dropping it frees its place.
struct Instance {
    proxy: Proxy,
    store: Store<State>,
    _place: Place,
}

/// One request's state on the host's side.
pub(crate) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
    memory: MemoryLimit,
    grants: Arc<Grants>,
    open_stores: usize,
    open_connections: usize,
    open_redis_connections: usize,
}

impl State {
    fn new(host: &Host, grants: Arc<Grants>, depth: usize) -> wasmtime::Result<Self> {
        Ok(Self {
            table: ResourceTable::new(),
            wasi: wasi(&grants)?,
            http: WasiHttpCtx::new(),
            outbound: OutboundHttp::new(host.clone(), grants.clone(), depth),
            memory: MemoryLimit::new(host.0.limits.memory_bytes),
            grants,
            open_stores: 0,
            open_connections: 0,
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

fn linker(engine: &Engine) -> anyhow::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bindings::Host_::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Composes, compiles and links one component; with it, how many of its instances the pool has
/// room for at each depth.
fn link(
    engine: &Engine,
    mut linker: Linker<State>,
    component: &Component,
    limits: &Limits,
) -> anyhow::Result<(ProxyPre<State>, Vec<u32>)> {
    let bytes = compose::compose(component)?;
    let compiled = wasmtime::component::Component::new(engine, bytes)?;
    imports::settle(engine, &mut linker, &compiled, &component.id)?;
    let fitting = limits.fitting_instances(&compiled);
    let proxy = linker.instantiate_pre(&compiled).and_then(ProxyPre::new);
    let proxy = proxy
        .map_err(anyhow::Error::from)
        .context("it is no HTTP component of WASI 0.2 that this host can run")?;
    Ok((proxy, fitting))
}

/// Runs what waits for a disk on a thread that may wait.
async fn blocking<T: Send + 'static>(
    operation: impl FnOnce() -> T + Send + 'static,
) -> wasmtime::Result<T> {
    Ok(tokio::task::spawn_blocking(operation).await?)
}
