//! Signing through the component against signing with the crate it is made of.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Context;
use signature::{Key, plain};
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Config, Engine, Store};

use crate::table::Table;

const KEY: &str = "RqJcWxsJDKjgINLWWiBwYEV3ROg7LaXD1Xzz";
const SIZES: [(&str, usize); 4] = [
    ("64 B", 64),
    ("1 KiB", 1 << 10),
    ("64 KiB", 64 << 10),
    ("1 MiB", 1 << 20),
];

/// Rounds, native and component by turns; the table shows each one's fastest, which other work
/// on the machine disturbs least.
const ROUNDS: usize = 40;
const ROUND: Duration = Duration::from_millis(20);

type Sign = TypedFunc<(&'static [u8], &'static [u8]), (Result<Vec<u8>, String>,)>;

pub fn measure() -> anyhow::Result<Table> {
    let mut table = Table::new(
        "Signing through the component",
        "One signature with a reused instance, copies in and out included; the fastest of \
         rounds taken by turns.",
        &["body", "native", "component", "component / native"],
    );
    let mut component = SignComponent::start()?;
    for (name, size) in SIZES {
        let body: &'static [u8] = vec![0x5a; size].leak();
        let (native, through) = component.compare(body)?;
        table.row(vec![
            name.to_owned(),
            micros(native),
            micros(through),
            format!("{:.2}", through / native),
        ]);
    }
    Ok(table)
}

fn micros(seconds: f64) -> String {
    format!("{:.2} µs", seconds * 1e6)
}

struct SignComponent {
    store: Store<()>,
    sign: Sign,
}

impl SignComponent {
    fn start() -> anyhow::Result<Self> {
        let path = test_support::components::hmac();
        let engine = Engine::new(&Config::new())?;
        let component = Component::from_file(&engine, path)?;
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
        let interface = instance
            .get_export_index(&mut store, None, "fermyon:hmac/sign@0.1.0")
            .context("the component does not export `fermyon:hmac/sign@0.1.0`")?;
        let sign = instance
            .get_export_index(&mut store, Some(&interface), "sign")
            .context("the interface has no `sign`")?;
        let sign = instance.get_typed_func(&mut store, sign)?;
        Ok(Self { store, sign })
    }

    fn sign(&mut self, body: &'static [u8]) -> anyhow::Result<Vec<u8>> {
        let (tag,) = self.sign.call(&mut self.store, (body, KEY.as_bytes()))?;
        tag.map_err(anyhow::Error::msg)
    }

    /// Seconds of one signature: native, through the component.
    fn compare(&mut self, body: &'static [u8]) -> anyhow::Result<(f64, f64)> {
        let key = Key::from_text(KEY);
        anyhow::ensure!(self.sign(body)? == plain::sign(&key, body).into_bytes());
        let (mut native, mut through) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            native = native.min(per_call(|| {
                black_box(plain::sign(&Key::from_text(KEY), black_box(body)));
                Ok(())
            })?);
            through = through.min(per_call(|| {
                black_box(self.sign(black_box(body))?);
                Ok(())
            })?);
        }
        Ok((native, through))
    }
}

fn per_call(mut call: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut calls = 0u32;
    while start.elapsed() < ROUND {
        call()?;
        calls += 1;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(calls))
}
