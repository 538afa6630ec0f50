//! The component in a minimal host, and the timing of its calls beside native ones.

use std::hint::black_box;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, Instance, Linker};
use wasmtime::{Config, Engine, Store};

/// The number of alternating rounds. The tables show the fastest round of each, which other load on
/// the machine affects least.
const ROUNDS: usize = 40;
const ROUND: Duration = Duration::from_millis(20);

/// An instance of the component that is called repeatedly.
pub struct Host {
    pub store: Store<()>,
    pub instance: Instance,
}

impl Host {
    pub fn start() -> anyhow::Result<Self> {
        let path = test_support::components::hmac();
        let engine = Engine::new(&Config::new())?;
        let component = Component::from_file(&engine, path)?;
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
        Ok(Self { store, instance })
    }
}

/// Returns the seconds of one call of each.
pub fn fastest_of_alternating<N, T>(
    mut native: impl FnMut() -> anyhow::Result<N>,
    mut through: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<(f64, f64)> {
    let mut fastest = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        fastest.0 = fastest.0.min(per_call(&mut native)?);
        fastest.1 = fastest.1.min(per_call(&mut through)?);
    }
    Ok(fastest)
}

fn per_call<T>(call: &mut impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut calls = 0u32;
    while start.elapsed() < ROUND {
        black_box(call()?);
        calls += 1;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(calls))
}
