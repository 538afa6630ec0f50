//! Compiles and runs components with wasmtime.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde_json::value::RawValue;
use wasmtime::component::{self, ComponentExportIndex, InstancePre, Linker, Val};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder, Trap};
use webhook_model::{Event, TenantId};

use super::file_version::FileVersion;
use super::{ComponentError, Folder, RunError, interface};
use crate::text::short;

/// The steps for one event: some tenths of a second.
const FUEL: u64 = 200_000_000;
/// The size in bytes to which each memory of an instance may grow.
const MEMORY_BYTES: usize = 32 << 20;
/// The elements of each table of an instance.
const TABLE_ELEMENTS: usize = 20_000;
/// The number of memories, tables and core instances of an instance.
const PARTS: usize = 32;
/// The number of compiled files from which on unused ones are dropped.
const LOADED: usize = 32;

static ENGINE: LazyLock<Result<Engine, String>> = LazyLock::new(|| {
    let mut config = Config::new();
    config.consume_fuel(true);
    Engine::new(&config).map_err(|error| short(&error))
});

/// The compiled components, by their files.
static KNOWN: LazyLock<Mutex<HashMap<PathBuf, Arc<Loaded>>>> = LazyLock::new(Mutex::default);

/// A component of world `transformer`, compiled and linked once for each version of its file.
#[derive(Clone)]
pub struct Component(Arc<Loaded>);

struct Loaded {
    path: PathBuf,
    version: FileVersion,
    instance: InstancePre<StoreLimits>,
    transform: ComponentExportIndex,
}

impl Component {
    /// Reads and compiles a file of the folder, by its [path](Folder::path_of), unless this version
    /// of it is compiled already. This takes long: call it outside the async threads.
    ///
    /// # Errors
    ///
    /// A [`ComponentError`] for a file that cannot be read, is not a component of the world, or
    /// imports anything.
    pub fn load(folder: &Folder, path: &Path) -> Result<Self, ComponentError> {
        // Read first, so that a file that changes while it is read is read again.
        let version = FileVersion::of(path);
        let known = KNOWN
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
            .cloned();
        if let Some(known) = known.filter(|known| known.version == version) {
            return Ok(Self(known));
        }
        let refused = |reason: String| ComponentError::new(path, version, reason);
        let bytes = folder.read(path).map_err(refused)?;
        let (instance, transform) = link(&bytes).map_err(refused)?;
        let loaded = Arc::new(Loaded {
            path: path.into(),
            version,
            instance,
            transform,
        });
        remember(loaded.clone());
        Ok(Self(loaded))
    }

    /// Returns true if the file is unchanged.
    pub fn is_current(&self) -> bool {
        FileVersion::of(&self.0.path) == self.0.version
    }

    /// Returns the body that the component makes of an event, at most `max` bytes of JSON; `None`
    /// if it sends nothing. This takes long: call it outside the async threads.
    ///
    /// # Errors
    ///
    /// A [`RunError`].
    pub fn run(
        &self,
        tenant: &TenantId,
        event: &Event,
        max: usize,
    ) -> Result<Option<Vec<u8>>, RunError> {
        let result = self
            .call(interface::event(tenant, event)?)
            .map_err(trapped)?;
        let Some(body) = interface::body(result)? else {
            return Ok(None);
        };
        if body.len() > max {
            return Err(RunError::TooLarge(max));
        }
        match serde_json::from_str::<&RawValue>(&body) {
            Ok(_) => Ok(Some(body.into_bytes())),
            Err(_) => Err(RunError::NotJson),
        }
    }

    fn call(&self, event: Val) -> wasmtime::Result<Val> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(MEMORY_BYTES)
            .table_elements(TABLE_ELEMENTS)
            .memories(PARTS)
            .tables(PARTS)
            .instances(PARTS)
            .build();
        let mut store = Store::new(self.0.instance.engine(), limits);
        store.limiter(|limits| limits);
        store.set_fuel(FUEL)?;
        let instance = self.0.instance.instantiate(&mut store)?;
        let transform = instance.get_func(&mut store, self.0.transform);
        let transform = transform.ok_or_else(|| wasmtime::Error::msg("the function is missing"))?;
        let mut results = [Val::Bool(false)];
        transform.call(&mut store, &[event], &mut results)?;
        let [result] = results;
        Ok(result)
    }
}

fn trapped(error: wasmtime::Error) -> RunError {
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => RunError::OutOfSteps,
        _ => RunError::Trapped(short(error.root_cause())),
    }
}

fn link(bytes: &[u8]) -> Result<(InstancePre<StoreLimits>, ComponentExportIndex), String> {
    let engine = ENGINE.as_ref().map_err(String::clone)?;
    let component = component::Component::from_binary(engine, bytes)
        .map_err(|error| format!("not a component: {}", short(error.root_cause())))?;
    let transform = interface::check(engine, &component)?;
    let instance = Linker::new(engine).instantiate_pre(&component);
    Ok((
        instance.map_err(|error| short(error.root_cause()))?,
        transform,
    ))
}

/// Stores a compiled component, and drops unused ones if there are too many.
fn remember(loaded: Arc<Loaded>) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.len() >= LOADED {
        known.retain(|_, known| Arc::strong_count(known) > 1);
    }
    known.insert(loaded.path.clone(), loaded);
}
