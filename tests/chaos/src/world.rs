//! The world of a cell: stores, receivers, senders and traffic.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rustix::process::Signal;
use test_support::postgres::{self, PostgresServer};
use test_support::redis::{Fsync, RedisServer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::column::Column;
use crate::config::{Config, Endpoint, HEALTHY, HOSTILE, NAMED};
use crate::disk::Disk;
use crate::fault::Fault;
use crate::hostile::{Hostile, HostileReceiver};
use crate::ledger::Ledger;
use crate::names::{HOST, Names};
use crate::probe::Probe;
use crate::receiver::Receiver;
use crate::sender::{Launch, Log, Sender};
use crate::server::Server;
use crate::store::{Link, replica, standby};
use crate::tools::faketime;
use crate::traffic::{Stream, Traffic};

/// The time limit for a stop: the limit of API requests in progress, which exceeds the slowest attempt,
/// and a margin.
pub const STOP: Duration = Duration::from_secs(8);

/// The sizes of small disks in MiB: a new PostgreSQL has 40 MiB of files.
const SQLITE_DISK: u32 = 24;
const POSTGRES_DISK: u32 = 120;

/// The requirements of faults on their world.
pub struct Setup {
    pub senders: usize,
    pub small_disk: bool,
    /// Set if Redis has an append-only file.
    pub persistent: bool,
    pub replica: bool,
    pub log: Log,
    pub memory: Option<u64>,
    /// Set if the sender's clock can be set.
    pub clock: bool,
    pub hostile: Option<Hostile>,
    /// Set if there is an endpoint by name.
    pub names: bool,
    /// The number of endpoints that no event matches.
    pub fillers: usize,
    /// Set to use the default lease and timeout.
    pub default_times: bool,
}

impl Setup {
    pub fn of(faults: impl IntoIterator<Item = Fault>) -> Self {
        let mut setup = Self {
            senders: 1,
            small_disk: false,
            persistent: true,
            replica: false,
            log: Log::File,
            memory: None,
            clock: false,
            hostile: None,
            names: false,
            fillers: 0,
            default_times: false,
        };
        for fault in faults {
            fault.prepare(&mut setup);
        }
        setup
    }
}

/// A running cell.
pub struct World {
    pub column: Column,
    pub ledger: Arc<Ledger>,
    pub launch: Launch,
    pub config: Config,
    pub store: Option<Server>,
    /// The server of the stream, if it is not the store's.
    pub source: Option<RedisServer>,
    pub replica: Option<Server>,
    pub link: Option<Link>,
    pub disk: Option<Disk>,
    pub receiver: Receiver,
    pub hostile: Option<HostileReceiver>,
    pub senders: Vec<Sender>,
    pub apis: watch::Sender<Vec<String>>,
    /// API clients that hold their connections.
    pub clients: Vec<TcpStream>,
    /// Clients of PostgreSQL that hold its connections.
    pub holders: Vec<tokio_postgres::Client>,
    pub rng: StdRng,
    clock: Option<PathBuf>,
}

impl World {
    /// Starts everything but traffic, in `folder`.
    pub async fn start(
        column: Column,
        setup: &Setup,
        program: &Path,
        folder: &Path,
        seed: u64,
    ) -> Result<Self> {
        let ledger = Arc::<Ledger>::default();
        let receiver = Receiver::start(ledger.clone()).await?;
        let mut world = Self {
            column,
            ledger,
            launch: launch(setup, program, folder)?,
            config: Config::default(),
            store: None,
            source: None,
            replica: None,
            link: None,
            disk: None,
            receiver,
            hostile: None,
            senders: Vec::new(),
            apis: watch::Sender::default(),
            clients: Vec::new(),
            holders: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            clock: setup.clock.then(|| folder.join("clock")),
        };
        world.start_store(setup).await?;
        world.start_endpoints(setup).await?;
        world.start_clock()?;
        world.start_senders(setup.senders).await?;
        Ok(world)
    }

    async fn start_store(&mut self, setup: &Setup) -> Result<()> {
        let (store, replica) = match self.column {
            Column::Sqlite => {
                let folder = self.store_folder(setup, SQLITE_DISK)?;
                let file = folder.join("sender.db");
                self.config.store = format!("sqlite://{}", file.display());
                return Ok(());
            }
            Column::Postgres => self.start_postgres(setup).await?,
            Column::Redis | Column::RedisStream | Column::RedisSource => start_redis(setup).await?,
        };
        self.config.store = store.url_at(store.address());
        if replica.is_some() {
            let link = Link::to(store.address()).await?;
            self.config.store = store.url_at(link.address);
            self.link = Some(link);
        }
        self.store = Some(store);
        self.replica = replica;
        match self.column {
            Column::RedisStream => self.config.stream = Some(self.config.store.clone()),
            Column::RedisSource => {
                let source = RedisServer::start(Fsync::Always).await;
                self.config.stream = Some(source.url());
                self.source = Some(source);
            }
            Column::Sqlite | Column::Postgres | Column::Redis => {}
        }
        Ok(())
    }

    async fn start_postgres(&mut self, setup: &Setup) -> Result<(Server, Option<Server>)> {
        let folder = if setup.small_disk {
            self.store_folder(setup, POSTGRES_DISK)?
        } else {
            std::env::temp_dir()
        };
        // The kernel keeps what a killed server has written.
        let fsync = postgres::Fsync::Off;
        let settings = ["max_connections=40", "superuser_reserved_connections=0"];
        let store = PostgresServer::start_in(&folder, fsync, &settings).await;
        let replica = if setup.replica {
            Some(Server::Postgres(standby(&store).await))
        } else {
            None
        };
        Ok((Server::Postgres(store), replica))
    }

    /// Returns the folder of the store's files: on a small disk of so many MiB if the fault needs one.
    fn store_folder(&mut self, setup: &Setup, size: u32) -> Result<PathBuf> {
        let folder = &self.launch.folder;
        if !setup.small_disk {
            return Ok(folder.clone());
        }
        let mount = folder.join("disk");
        self.disk = Some(Disk::mount(&mount, size)?);
        Ok(mount)
    }

    async fn start_endpoints(&mut self, setup: &Setup) -> Result<()> {
        self.config.fillers = setup.fillers;
        self.config.default_times = setup.default_times;
        let healthy = format!("http://{}/{HEALTHY}", self.receiver.address);
        if let Some(kind) = setup.hostile {
            let ledger = self.ledger.clone();
            let elsewhere = format!("http://{}/redirected", self.receiver.address);
            let hostile = HostileReceiver::start(kind, ledger, elsewhere).await?;
            if let Some(authority) = &hostile.authority {
                let file = self.launch.folder.join("authority.pem");
                std::fs::write(&file, authority)?;
                self.launch.environment.push(("SSL_CERT_FILE", file));
            }
            self.endpoint(HOSTILE, hostile.url.clone());
            self.hostile = Some(hostile);
        }
        if setup.names {
            let port = self.receiver.address.port();
            self.endpoint(NAMED, format!("http://{HOST}:{port}/{NAMED}"));
        }
        self.endpoint(HEALTHY, healthy);
        Ok(())
    }

    fn endpoint(&mut self, id: &'static str, url: String) {
        self.config.endpoints.push(Endpoint { id, url });
    }

    fn start_clock(&mut self) -> Result<()> {
        let Some(file) = self.clock.clone() else {
            return Ok(());
        };
        self.set_clock("+0")?;
        let library = faketime().context("libfaketime is missing")?;
        self.launch.environment.extend([
            ("LD_PRELOAD", library),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ]);
        Ok(())
    }

    async fn start_senders(&mut self, count: usize) -> Result<()> {
        for index in 0..count {
            let name = ["one", "two", "three"][index];
            self.write_config_of(name)?;
            let sender = self.launch.start(name).await?;
            self.senders.push(sender);
        }
        self.announce();
        Ok(())
    }

    /// Sets the senders' clock, as an offset in seconds.
    pub fn set_clock(&self, offset: &str) -> Result<()> {
        let file = self.clock.as_ref().context("the clock cannot be set")?;
        // Renamed, so that the file is never read while it is incomplete.
        let new = file.with_extension("new");
        std::fs::write(&new, format!("{offset}\n"))?;
        Ok(std::fs::rename(new, file)?)
    }

    /// Writes the configuration files, whole.
    pub fn write_config(&self) -> Result<()> {
        for sender in &self.senders {
            self.write_config_of(&sender.name)?;
        }
        Ok(())
    }

    fn write_config_of(&self, name: &str) -> Result<()> {
        let file = self.launch.folder.join(format!("{name}.toml"));
        Ok(std::fs::write(file, self.config.text(name))?)
    }

    pub fn traffic(&self) -> Traffic {
        Traffic::start(&self.ledger, &self.apis.subscribe(), self.stream())
    }

    pub fn probe(&self) -> Probe {
        Probe::start(self.apis.subscribe())
    }

    /// Returns the stream, if events arrive on one.
    pub fn stream(&self) -> Option<Stream> {
        let url = self.config.stream.clone()?;
        let with_ids = self.column != Column::RedisSource;
        Some(Stream { url, with_ids })
    }

    pub fn name(&self, index: usize) -> String {
        self.senders[index].name.clone()
    }

    /// Returns the process id of the first sender.
    pub fn pid(&self) -> Result<String> {
        let pid = self.senders[0].pid().context("the sender has ended")?;
        Ok(pid.as_raw_nonzero().to_string())
    }

    pub fn store_mut(&mut self) -> &mut Server {
        self.store.as_mut().expect("the store has a server")
    }

    pub fn source_mut(&mut self) -> &mut RedisServer {
        self.source.as_mut().expect("the column has a source")
    }

    pub fn names(&self) -> Result<&Names> {
        self.launch.names.as_ref().context("there is no resolver")
    }

    pub async fn kill_sender(&mut self, index: usize) -> Result<()> {
        self.withdraw(index);
        self.senders[index].kill().await
    }

    /// Stops a sender with SIGTERM.
    pub async fn stop_sender(&mut self, index: usize) -> Result<()> {
        self.withdraw(index);
        let ended = self.senders[index].end(Signal::TERM, STOP).await?;
        ensure!(ended.status.success(), "it ended with {}", ended.status);
        Ok(())
    }

    /// Starts a sender again.
    pub async fn start_sender(&mut self, index: usize) -> Result<()> {
        self.senders[index] = self.launch.start(&self.name(index)).await?;
        self.announce();
        Ok(())
    }

    /// Announces the URLs of the APIs to publishers.
    fn announce(&self) {
        let apis = self.senders.iter().map(|sender| sender.api.clone());
        self.apis.send_replace(apis.collect());
    }

    /// Removes the API of this sender from those of publishers.
    pub fn withdraw(&self, index: usize) {
        let api = &self.senders[index].api;
        self.apis
            .send_modify(|apis| apis.retain(|other| other != api));
    }
}

async fn start_redis(setup: &Setup) -> Result<(Server, Option<Server>)> {
    let store = if setup.persistent {
        RedisServer::start(Fsync::Always).await
    } else {
        RedisServer::start_with(Fsync::EverySecond, &["--appendonly", "no"]).await
    };
    let replica = if setup.replica {
        Some(Server::Redis(replica(&store).await?))
    } else {
        None
    };
    Ok((Server::Redis(store), replica))
}

fn launch(setup: &Setup, program: &Path, folder: &Path) -> Result<Launch> {
    let names = setup.names.then(|| Names::new(folder)).transpose()?;
    Ok(Launch {
        program: program.to_owned(),
        folder: folder.to_owned(),
        log: setup.log,
        memory: setup.memory,
        names,
        environment: Vec::new(),
    })
}
