//! One request to one component, from a fresh instance to the head of its answer.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Body;
use tokio::sync::oneshot;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::p2::bindings::http::types as wasi;
use wasmtime_wasi_http::p2::body::{HostOutgoingBody, StreamContext};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use super::{Host, Instance, Place};
use crate::terminal;

/// What a component answers; its body may still be on the way.
pub(crate) type Answer = Response<WasiBody>;

impl Host {
    /// The answer of a component to a request whose URL names scheme and host. What goes wrong
    /// inside the guest is told on the terminal and answered 500 without a word, as on Spin.
    /// Once `lost` completes, nobody reads the answer, and its guest is stopped.
    pub(crate) async fn answer<B>(
        &self,
        component: usize,
        place: Place,
        request: Request<B>,
        lost: impl Future<Output = ()> + Send + 'static,
    ) -> Answer
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        match self.run(component, place, request, lost).await {
            Ok(Some(answer)) => answer,
            Ok(None) => failed(),
            Err(error) => {
                self.tell_failure(component, &error);
                failed()
            }
        }
    }

    /// The guest's answer, or none where it ended without one, which has been told.
    async fn run<B>(
        &self,
        component: usize,
        place: Place,
        request: Request<B>,
        lost: impl Future<Output = ()> + Send + 'static,
    ) -> wasmtime::Result<Option<Answer>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Error>,
    {
        let mut instance = self.instantiate(component, place).await?;
        let (sender, receiver) = oneshot::channel();
        let mut http = instance.store.data_mut().http();
        let request = http.new_incoming_request(wasi::Scheme::Http, request)?;
        let outparam = http.new_response_outparam(sender)?;
        // The guest goes on after its response has begun: it streams the body, and may work on
        // when that is done.
        let host = self.clone();
        let guest = tokio::spawn(async move {
            let Instance { proxy, store, .. } = &mut instance;
            let handler = proxy.wasi_http_incoming_handler();
            let call = handler.call_handle(&mut *store, request, outparam);
            let ended = tokio::select! {
                biased;
                ended = call => ended,
                () = lost => Err(wasmtime::format_err!("its response was not read")),
            };
            if let Err(error) = &ended {
                break_off(&mut store.data_mut().table);
                host.tell_failure(component, error);
            }
            ended.is_ok()
        });
        match receiver.await {
            Ok(answer) => Ok(Some(answer?)),
            Err(_) if guest.await? => wasmtime::bail!("it returned without setting a response"),
            Err(_) => Ok(None),
        }
    }

    fn tell_failure(&self, component: usize, error: &wasmtime::Error) {
        let component = self.component_id(component);
        terminal::line(format_args!("component `{component}` failed: {error:?}"));
    }
}

/// Makes every body that a guest was writing when it failed end in an error: to its reader it
/// must not look whole.
fn break_off(table: &mut ResourceTable) {
    let open = table.iter_mut().filter_map(|entry| entry.downcast_mut());
    for body in open {
        let (stand_in, _) = HostOutgoingBody::new(StreamContext::Response, None, 1, 1);
        std::mem::replace(body, stand_in).abort();
    }
}

fn failed() -> Answer {
    let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    answer
}
