//! Bodies of different lengths through the component: the cost of a call and of a byte.

use std::hint::black_box;

use anyhow::Context;
use wasmtime::component::TypedFunc;
use webhook_signature::{Key, plain};

use crate::host::{Host, fastest_of_alternating};
use crate::schemes::TEXT;
use crate::table::{Table, micros};

const SIZES: [(&str, usize); 4] = [
    ("64 B", 64),
    ("1 KiB", 1 << 10),
    ("64 KiB", 64 << 10),
    ("1 MiB", 1 << 20),
];

/// The number of blocks that HMAC hashes for 1 KiB: the body, two blocks for the key, the padding of
/// the inner hash, and the inner hash.
const KIB_BLOCKS: f64 = 20.0;

type Sign = TypedFunc<(&'static [u8], &'static [u8]), (Result<Vec<u8>, String>,)>;

/// The seconds of one signature: native, and through the component.
type Times = (f64, f64);

pub fn measure() -> anyhow::Result<Table> {
    let mut host = Host::start()?;
    let sign = sign_of(&mut host)?;
    let mut times = Vec::with_capacity(SIZES.len());
    for (_, size) in SIZES {
        let body: &'static [u8] = vec![0x5a; size].leak();
        times.push(compare(&mut host, &sign, body)?);
    }
    let mut table = Table::new(
        "Bodies of different lengths through the component",
        format!(
            "One signature of `fermyon:hmac` with a reused instance, copies in and out included; \
             the fastest of rounds taken by turns. {}",
            split(&times)
        ),
        &["body", "native", "component", "component / native"],
    );
    for ((name, _), (native, through)) in SIZES.into_iter().zip(times) {
        table.row(vec![
            name.to_owned(),
            micros(native),
            micros(through),
            format!("{:.2}", through / native),
        ]);
    }
    Ok(table)
}

/// Describes the time of 1 KiB, with the time per block from the two longest bodies.
fn split(times: &[Times]) -> String {
    let [_, short, longer, longest] = times else {
        return String::new();
    };
    let blocks = (SIZES[3].1 - SIZES[2].1) as f64 / 64.0;
    let block = |of: fn(&Times) -> f64| (of(longest) - of(longer)) / blocks;
    let (native, through) = (block(|times| times.0), block(|times| times.1));
    format!(
        "A block of SHA-256, 64 bytes, takes {:.0} ns natively and {:.0} ns in the component: \
         many processors have instructions for it, and WebAssembly has none. 1 KiB with its key is \
         {KIB_BLOCKS} of them, {} of the component's {}; the rest is the call.",
        native * 1e9,
        through * 1e9,
        micros(KIB_BLOCKS * through),
        micros(short.1),
    )
}

fn sign_of(host: &mut Host) -> anyhow::Result<Sign> {
    let Host { store, instance } = host;
    let interface = instance
        .get_export_index(&mut *store, None, "fermyon:hmac/sign@0.1.0")
        .context("the component does not export `fermyon:hmac/sign@0.1.0`")?;
    let sign = instance
        .get_export_index(&mut *store, Some(&interface), "sign")
        .context("the interface has no `sign`")?;
    Ok(instance.get_typed_func(store, sign)?)
}

fn compare(host: &mut Host, sign: &Sign, body: &'static [u8]) -> anyhow::Result<Times> {
    let mut through = || {
        let (tag,) = sign.call(&mut host.store, (black_box(body), TEXT.as_bytes()))?;
        tag.map_err(anyhow::Error::msg)
    };
    let native = || Ok(plain::sign(&Key::from_text(TEXT), black_box(body)));
    anyhow::ensure!(through()? == native()?.into_bytes());
    fastest_of_alternating(native, through)
}
