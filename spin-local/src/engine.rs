//! The wasmtime engine: how components are compiled, where their instances live, and what one
//! request may use.

#![allow(
    clippy::disallowed_methods,
    reason = "a thread ticks the epoch, and a variable names the folder of the cache"
)]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use wasmtime::component::Component;
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};

use crate::terminal;

/// How often running guests are interrupted to let others have the thread and to count what
/// they have used.
const EPOCH: Duration = Duration::from_millis(10);

/// How many components of the app may stand behind the one that answers a request from outside,
/// each called by the one before it.
pub(crate) const MAX_DEPTH: usize = 4;

/// The most instances at a depth below the outermost: room for instances is address space, of
/// which there are 128 TiB.
const MAX_CALLED: u32 = 1024;

/// What a component needs in the pool, once for each component it is composed of.
struct Need {
    /// What an instance is given room for without taking it from another.
    each: u32,
    /// The most that one instance may have.
    largest: u32,
}

const MEMORIES: Need = Need {
    each: 4,
    largest: 32,
};
const TABLES: Need = Need {
    each: 8,
    largest: 64,
};
const CORE_INSTANCES: Need = Need {
    each: 32,
    largest: 200,
};

impl Need {
    /// What so many instances are given together: enough for one of the largest in any case.
    fn of(&self, instances: u32) -> u32 {
        (instances * self.each).max(self.largest)
    }
}

/// What one request may use, and how many run at a time.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Instances that answer requests from outside at the same time; further requests wait for
    /// a place. Instances that other instances call have places of their own.
    pub instances: u32,
    /// Bytes that the memories of one instance may grow to, together.
    pub memory_bytes: usize,
    /// Time one request may spend executing, waiting not counted, before it is stopped.
    pub execution: Duration,
    /// Connections of clients that are open at the same time. One more takes the place of one
    /// that does nothing.
    pub connections: usize,
    /// The longest wait for a client: for the head of a request, for more of its body, for its
    /// reading of the response.
    pub client_timeout: Duration,
}

impl Default for Limits {
    /// 256 instances, 256 MiB and 30 seconds of execution each; 1024 connections, and 30 seconds
    /// for each client.
    fn default() -> Self {
        Self {
            instances: 256,
            memory_bytes: 256 << 20,
            execution: Duration::from_secs(30),
            connections: 1024,
            client_timeout: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The execution time in epochs, at least one.
    pub(crate) fn epochs(&self) -> u64 {
        (self.execution.as_millis() / EPOCH.as_millis()).max(1) as u64
    }

    /// Instances at each depth of calls between the components of the app: at 0 those that
    /// answer requests from outside, at 1 those they call, and on to [`MAX_DEPTH`].
    fn instances_by_depth(&self) -> impl Iterator<Item = u32> {
        let called = self.instances.min(MAX_CALLED);
        let called = (0..MAX_DEPTH).map(move |halvings| (called >> halvings).max(1));
        std::iter::once(self.instances).chain(called)
    }

    /// The instances of `component` that the pool has room for at each depth: all that there may
    /// be, or fewer where it is composed of more than the pool is laid out for.
    pub(crate) fn fitting_instances(&self, component: &Component) -> Vec<u32> {
        let needs = component.resources_required();
        let fitting = |instances: u32| match &needs {
            None => instances,
            Some(needs) => instances
                .min(MEMORIES.of(instances) / needs.num_memories.max(1))
                .min(TABLES.of(instances) / needs.num_tables.max(1))
                .max(1),
        };
        self.instances_by_depth().map(fitting).collect()
    }
}

/// An engine with pooled instances, a cache of compiled code, and an epoch that advances every
/// ten milliseconds for as long as the engine lives.
pub(crate) fn new(limits: &Limits) -> anyhow::Result<Engine> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)))
        .cache(compiled_code_cache());
    let engine = Engine::new(&config)
        .map_err(anyhow::Error::from)
        .context("the WebAssembly engine does not start")?;
    advance_epoch(&engine);
    Ok(engine)
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let total = |need: Need| limits.instances_by_depth().map(|n| need.of(n)).sum();
    let instances = limits.instances_by_depth().sum();
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_memories(total(MEMORIES))
        .total_tables(total(TABLES))
        .total_core_instances(total(CORE_INSTANCES))
        .max_memories_per_component(MEMORIES.largest)
        .max_tables_per_component(TABLES.largest)
        .max_core_instances_per_component(CORE_INSTANCES.largest)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .table_elements(100_000)
        // Slots keep these pages mapped between requests: zeroing them costs less than
        // faulting them in again.
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        // Where the kernel can tell which of them were touched, only those are zeroed.
        .pagemap_scan(Enabled::Auto);
    pool
}

/// The cache in the user's cache folder. Without one, components are compiled at every start.
fn compiled_code_cache() -> Option<Cache> {
    let mut config = CacheConfig::new();
    if let Some(directory) = std::env::var_os("SPIN_LOCAL_CACHE_DIR") {
        config.with_directory(PathBuf::from(directory));
    }
    Cache::new(config)
        .inspect_err(|error| {
            terminal::line(format_args!("compiled code is not kept: {error:#}"));
        })
        .ok()
}

fn advance_epoch(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(EPOCH);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
}
