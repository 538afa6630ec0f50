//! The wasmtime engine: compilation, pooling of instances, and the limits of requests.

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

/// The interval at which running guests are interrupted, to share the thread and to count their
/// execution time.
const EPOCH: Duration = Duration::from_millis(10);

/// The maximum length of a chain of calls between components, not counting the first component.
pub(crate) const MAX_DEPTH: usize = 4;

/// The maximum number of instances at each depth below the first: each instance reserves address
/// space, which is limited to 128 TiB.
const MAX_CALLED: u32 = 1024;

/// The number of items in the pool, such as memories, that instances need.
struct Need {
    /// The number that the pool holds for each instance.
    each: u32,
    /// The maximum number of one instance.
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
    /// Returns the number for all instances together, at least enough for the largest component.
    fn of(&self, instances: u32) -> u32 {
        (instances * self.each).max(self.largest)
    }
}

/// The limits of requests and connections.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The number of requests from clients that run at the same time. Further requests wait for a
    /// permit. Calls between components have separate permits.
    pub instances: u32,
    /// The maximum size of the memories of an instance together, in bytes.
    pub memory_bytes: usize,
    /// The execution time after which a request is stopped. Waiting does not count.
    pub execution: Duration,
    /// The maximum number of open connections of clients. A further connection replaces an inactive
    /// one.
    pub connections: usize,
    /// The longest wait for a client: for the head of a request, for more of its body, or for room
    /// to write the response.
    pub client_timeout: Duration,
}

impl Default for Limits {
    /// Returns 256 instances with 256 MiB and 30 seconds of execution each, 1024 connections, and a
    /// client timeout of 30 seconds.
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
    /// Returns the execution time in epochs, at least one.
    pub(crate) fn epochs(&self) -> u64 {
        (self.execution.as_millis() / EPOCH.as_millis()).max(1) as u64
    }

    /// Returns the number of instances at each depth: at 0 for requests from clients, at 1 for calls
    /// by those, and so on up to [`MAX_DEPTH`].
    fn instances_by_depth(&self) -> impl Iterator<Item = u32> {
        let called = self.instances.min(MAX_CALLED);
        let called = (0..MAX_DEPTH).map(move |halvings| (called >> halvings).max(1));
        std::iter::once(self.instances).chain(called)
    }

    /// Returns the number of instances of `component` that the pool can hold at each depth: fewer
    /// than the limit if the component needs more memories or tables than planned.
    pub(crate) fn instance_capacity(&self, component: &Component) -> Vec<u32> {
        let needs = component.resources_required();
        let capacity = |instances: u32| match &needs {
            None => instances,
            Some(needs) => instances
                .min(MEMORIES.of(instances) / needs.num_memories.max(1))
                .min(TABLES.of(instances) / needs.num_tables.max(1))
                .max(1),
        };
        self.instances_by_depth().map(capacity).collect()
    }
}

/// Creates an engine with pooled instances, a cache of compiled code, and an epoch that advances
/// every ten milliseconds until the engine is dropped.
///
/// # Errors
///
/// The engine cannot reserve its memory.
pub(crate) fn new(limits: &Limits) -> anyhow::Result<Engine> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)))
        .cache(compiled_code_cache());
    let engine = Engine::new(&config)
        .map_err(anyhow::Error::from)
        .context("cannot start the WebAssembly engine")?;
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
        // These pages stay mapped between requests: zeroing them is cheaper than new page faults.
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        // Only the pages that were touched are zeroed, if the kernel can report them.
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Returns the cache in the user's cache folder. Without a cache, every start compiles.
fn compiled_code_cache() -> Option<Cache> {
    let mut config = CacheConfig::new();
    if let Some(directory) = std::env::var_os("SPIN_LOCAL_CACHE_DIR") {
        config.with_directory(PathBuf::from(directory));
    }
    Cache::new(config)
        .inspect_err(|error| {
            terminal::line(format_args!("compiled code is not cached: {error:#}"));
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
