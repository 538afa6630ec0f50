//! Every scheme through the interface of the component, compared with the crate.

use std::hint::black_box;

use webhook_signature::{Credential, Freshness, Message, Request, Scheme, sign, verify};

use crate::host::{Host, fastest_of_alternating};
use crate::schemes::{BODY, ID, NOW, Row, SCHEMES};
use crate::table::{Table, micros, verdict};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/signature.wit",
        world: "signatures",
    });
}

use bindings::Signatures;
use bindings::exports::signed_webhooks::signature::{sign as signing, verify as verifying};

/// The limit for the component, as a multiple of the native time.
const BAR: f64 = 4.0;

pub fn measure() -> anyhow::Result<Table> {
    let mut table = Table::new(
        "Signing and verifying 1 KiB through the component",
        format!(
            "`signed-webhooks:signature` with a reused instance, against the crate; the fastest of \
             rounds taken by turns. Both read the key from its text in every call, for the \
             component keeps none. The bar is {BAR} × native. There is none for `v1a`: natively \
             ed25519 multiplies 64 bits at a time, or several numbers at once, and the component \
             32 bits, in code that is built for size."
        ),
        &[
            "",
            "sign, native",
            "component",
            "× native",
            "verify, native",
            "component",
            "× native",
            "bar",
        ],
    );
    let mut component = Signer::start()?;
    for scheme in SCHEMES {
        let signed = component.compare_signing(&scheme)?;
        let verified = component.compare_verifying(&scheme)?;
        let met = [signed, verified]
            .iter()
            .all(|(native, through)| *through <= BAR * native);
        let cells = [signed, verified]
            .into_iter()
            .flat_map(|(native, through)| {
                let ratio = format!("{:.2}", through / native);
                [micros(native), micros(through), ratio]
            });
        let mut row = vec![scheme.name.to_owned()];
        row.extend(cells);
        row.push(verdict(scheme.is_barred.then_some(met)));
        table.row(row);
    }
    Ok(table)
}

struct Signer {
    host: Host,
    exports: Signatures,
}

impl Signer {
    fn start() -> anyhow::Result<Self> {
        let mut host = Host::start()?;
        let exports = Signatures::new(&mut host.store, &host.instance)?;
        Ok(Self { host, exports })
    }

    /// Returns the seconds of one call: native, and through the component.
    fn compare_signing(&mut self, row: &Row) -> anyhow::Result<(f64, f64)> {
        let keys = [row.key.to_owned()];
        let schemes = [named(row.scheme)];
        let message = signing::Message {
            id: ID.to_owned(),
            timestamp: NOW,
            body: BODY.to_vec(),
        };
        let interface = self.exports.signed_webhooks_signature_sign();
        let store = &mut self.host.store;
        let mut through = || {
            let headers = interface.call_sign(&mut *store, &schemes, &keys, black_box(&message))?;
            headers.map_err(|error| anyhow::anyhow!("{error:?}"))
        };
        let native = || native_headers(row);
        let same = through()?
            .into_iter()
            .eq(native()?.into_iter().map(owned_bytes));
        anyhow::ensure!(
            same,
            "{}: the component returns another signature",
            row.name
        );
        fastest_of_alternating(native, through)
    }

    fn compare_verifying(&mut self, row: &Row) -> anyhow::Result<(f64, f64)> {
        let headers = native_headers(row)?;
        let keys = [row.key.to_owned()];
        let request = verifying::Request {
            headers: headers.iter().cloned().map(owned_bytes).collect(),
            body: BODY.to_vec(),
        };
        let freshness = verifying::Freshness {
            now: NOW,
            tolerance: 300,
        };
        let interface = self.exports.signed_webhooks_signature_verify();
        let store = &mut self.host.store;
        let through = || {
            let weakest = named(Scheme::Plain);
            let verified = interface.call_verify(
                &mut *store,
                &keys,
                black_box(&request),
                freshness,
                weakest,
            )?;
            verified.map_err(|error| anyhow::anyhow!("{error:?}"))
        };
        let native = || {
            let keys = [Credential::parse(black_box(row.key))?];
            let headers = headers.iter().map(|(name, value)| (*name, value));
            let request = Request::new(headers, black_box(BODY));
            let now = Freshness::at(black_box(NOW));
            Ok(verify(&keys, &request, now, Scheme::Plain).map(|verified| verified.at)?)
        };
        fastest_of_alternating(native, through)
    }
}

fn native_headers(row: &Row) -> anyhow::Result<Vec<webhook_signature::Header>> {
    let keys = [Credential::parse(black_box(row.key))?];
    let message = Message {
        id: ID,
        timestamp: NOW,
        body: black_box(BODY),
    };
    Ok(sign(row.scheme, &keys, &message)?)
}

fn owned_bytes((name, value): webhook_signature::Header) -> (String, Vec<u8>) {
    (name.to_owned(), value.into_bytes())
}

fn named(scheme: Scheme) -> signing::Scheme {
    match scheme {
        Scheme::Plain => signing::Scheme::Plain,
        Scheme::Wss => signing::Scheme::Wss,
        Scheme::Standard => signing::Scheme::Standard,
    }
}
