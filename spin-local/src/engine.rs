//! The wasmtime engine: how components are compiled, where their instances live, and what one
//! request may use.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use wasmtime::component::Component;
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, InstanceAllocationStrategy,
    PoolingAllocationConfig,
};

/// How often running guests are interrupted to let others have the thread and to count what
/// they have used.
const EPOCH: Duration = Duration::from_millis(10);

/// A composed component has a memory for each component in it: four of them fit without
/// taking places from another request.
const MEMORIES_PER_INSTANCE: u32 = 4;
const TABLES_PER_INSTANCE: u32 = 8;
const CORE_INSTANCES_PER_INSTANCE: u32 = 32;

/// What one request may use, and how many run at a time.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Instances that run at the same time; further requests wait for a place.
    pub instances: u32,
    /// Bytes that the memories of one instance may grow to, together.
    pub memory_bytes: usize,
    /// Time one request may spend executing, waiting not counted, before it is stopped.
    pub execution: Duration,
}

impl Default for Limits {
    /// 256 instances, 256 MiB and 30 seconds of execution each.
    fn default() -> Self {
        Self {
            instances: 256,
            memory_bytes: 256 << 20,
            execution: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// The execution time in epochs, at least one.
    pub(crate) fn epochs(&self) -> u64 {
        (self.execution.as_millis() / EPOCH.as_millis()).max(1) as u64
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
    let instances = limits.instances;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_memories(instances * MEMORIES_PER_INSTANCE)
        .total_tables(instances * TABLES_PER_INSTANCE)
        .total_core_instances(instances * CORE_INSTANCES_PER_INSTANCE)
        .max_memories_per_component(32)
        .max_tables_per_component(64)
        .max_core_instances_per_component(200)
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

/// How many instances of `component` the pool has room for at a time: all that `limits` allows,
/// or fewer where it is composed of more than the pool is laid out for.
pub(crate) fn fitting_instances(limits: &Limits, component: &Component) -> u32 {
    let Some(needs) = component.resources_required() else {
        return limits.instances;
    };
    let memories = limits.instances * MEMORIES_PER_INSTANCE / needs.num_memories.max(1);
    let tables = limits.instances * TABLES_PER_INSTANCE / needs.num_tables.max(1);
    limits.instances.min(memories).min(tables).max(1)
}

/// The cache in the user's cache folder. Without one, components are compiled at every start.
fn compiled_code_cache() -> Option<Cache> {
    let mut config = CacheConfig::new();
    if let Some(directory) = std::env::var_os("SPIN_LOCAL_CACHE_DIR") {
        config.with_directory(PathBuf::from(directory));
    }
    Cache::new(config)
        .inspect_err(|error| eprintln!("compiled code is not kept: {error:#}"))
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
