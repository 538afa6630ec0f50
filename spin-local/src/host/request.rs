//! One request to one component, from a fresh instance to the head of its response.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Body;
use tokio::sync::oneshot;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi_http::p2::bindings::Proxy;
use wasmtime_wasi_http::p2::bindings::http::types as wasi;
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use super::loaded_app::Host;
use super::outbound_http::Components;
use super::permits::Permit;
use super::state::State;
use crate::terminal;

/// The response of a component, whose body may still be in progress.
pub(crate) type GuestResponse = Response<WasiBody>;

/// An instance of a component for one request. Dropping it releases its permit.
struct Instance {
    proxy: Proxy,
    store: Store<State>,
    _permit: Permit,
}

impl Host {
    /// Returns the response of a component to a request whose URL has a scheme and a host. A
    /// failure of the guest is reported on the terminal and becomes a 500 with an empty body, as
    /// on Spin. Once `abandoned` completes, the response has no reader, and its guest is stopped.
    pub(crate) async fn respond<B>(
        &self,
        component: usize,
        permit: Permit,
        request: Request<B>,
        abandoned: impl Future<Output = ()> + Send + 'static,
    ) -> GuestResponse
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        match self.run(component, permit, request, abandoned).await {
            Ok(Some(response)) => response,
            Ok(None) => internal_error(),
            Err(error) => {
                self.report_failure(component, &error);
                internal_error()
            }
        }
    }

    /// Returns the guest's response, or `None` if it failed without one, which is already
    /// reported.
    async fn run<B>(
        &self,
        component: usize,
        permit: Permit,
        request: Request<B>,
        abandoned: impl Future<Output = ()> + Send + 'static,
    ) -> wasmtime::Result<Option<GuestResponse>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        let mut instance = self.instantiate(component, permit).await?;
        let (sender, receiver) = oneshot::channel();
        let mut http = instance.store.data_mut().http();
        let request = http.new_incoming_request(wasi::Scheme::Http, request)?;
        let outparam = http.new_response_outparam(sender)?;
        // The guest continues after its response has begun: it streams the body, and may work on
        // when that is done.
        let host = self.clone();
        let guest = tokio::spawn(async move {
            let Instance { proxy, store, .. } = &mut instance;
            let handler = proxy.wasi_http_incoming_handler();
            let call = handler.call_handle(&mut *store, request, outparam);
            let outcome = tokio::select! {
                biased;
                outcome = call => outcome,
                () = abandoned => Err(wasmtime::format_err!("its response was not read")),
            };
            if let Err(error) = &outcome {
                abort_bodies(&mut store.data_mut().table);
                host.report_failure(component, error);
            }
            outcome.is_ok()
        });
        match receiver.await {
            Ok(response) => Ok(Some(response?)),
            Err(_) if guest.await? => wasmtime::bail!("it returned without setting a response"),
            Err(_) => Ok(None),
        }
    }

    /// Returns a fresh instance of a component in a store of its own.
    async fn instantiate(&self, component: usize, permit: Permit) -> wasmtime::Result<Instance> {
        let app = &self.0;
        let guest = &app.guests[&component];
        let components = Arc::new(self.clone());
        let memory_bytes = app.limits.memory_bytes;
        let state = State::new(components, guest.grants.clone(), permit.depth, memory_bytes)?;
        let mut store = Store::new(&app.engine, state);
        store.limiter(|state| &mut state.memory);
        self.limit_execution(&mut store);
        let proxy = guest.proxy.instantiate_async(&mut store).await?;
        Ok(Instance {
            proxy,
            store,
            _permit: permit,
        })
    }

    /// Makes the guest yield its thread at each epoch, and ends the request after too many of
    /// them.
    fn limit_execution(&self, store: &mut Store<State>) {
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

    fn report_failure(&self, component: usize, error: &wasmtime::Error) {
        let component = self.component_id(component);
        terminal::line(format_args!("component `{component}` failed: {error:?}"));
    }
}

impl Components for Host {
    fn find(&self, id: &str) -> Option<usize> {
        let mut guests = self.0.guests.iter();
        let named = guests.find(|(_, guest)| guest.grants.component == id);
        named.map(|(index, _)| *index)
    }

    fn permit(&self, depth: usize) -> Pin<Box<dyn Future<Output = Option<Permit>> + Send + '_>> {
        Box::pin(self.permit(depth))
    }

    fn call(
        &self,
        component: usize,
        permit: Permit,
        request: Request<WasiBody>,
    ) -> Pin<Box<dyn Future<Output = Response<WasiBody>> + Send + '_>> {
        // A caller that stops reading is itself limited.
        let abandoned = std::future::pending();
        Box::pin(self.respond(component, permit, request, abandoned))
    }
}

/// Makes every body that a guest was writing when it failed end in an error, so that its reader
/// does not take it for complete.
fn abort_bodies(table: &mut ResourceTable) {
    let open = table.iter_mut().filter_map(|entry| entry.downcast_mut());
    for body in open {
        let (stand_in, _) = HostOutgoingBody::new(StreamContext::Response, None, 1, 1);
        std::mem::replace(body, stand_in).abort();
    }
}

fn internal_error() -> GuestResponse {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
