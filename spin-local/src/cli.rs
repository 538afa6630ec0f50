//! The command line: `spin-local up`, with the options of `spin up` that its users use.

#![allow(
    clippy::disallowed_methods,
    reason = "the command line reads the environment"
)]

use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::engine::Limits;
use crate::host::{Host, Settings, Stores};
use crate::manifest::{App, Given};
use crate::runtime_config::RuntimeConfig;
use crate::{build, open_files, server, terminal};

/// The default of `--max-connections`.
const DEFAULT_CONNECTIONS: u32 = 1024;

/// The number of ports that `--find-free-port` tries, as in Spin.
const PORTS_TRIED: u16 = 10;

/// Runs Spin HTTP apps where the Spin CLI is missing.
#[derive(Debug, Parser)]
#[command(name = "spin-local", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the app of a `spin.toml` until Ctrl-C.
    Up(Up),
}

#[derive(Debug, Args)]
struct Up {
    /// The manifest, or the folder it is in.
    #[arg(
        short,
        long,
        value_name = "PATH",
        alias = "file",
        default_value = "spin.toml"
    )]
    from: PathBuf,
    /// Run the build commands of the components first.
    #[arg(long, env = "SPIN_ALWAYS_BUILD", value_parser = clap::builder::BoolishValueParser::new())]
    build: bool,
    /// The address to listen on, `HOST:PORT`; port 0 takes a free one.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "SPIN_HTTP_LISTEN_ADDR",
        default_value = "127.0.0.1:3000",
        value_parser = listen_address
    )]
    listen: SocketAddr,
    /// Where the port is in use, listen on the next one that is free, of ten.
    #[arg(long)]
    find_free_port: bool,
    /// A statement to run on the default SQLite database first, or `@FILE[:LABEL]` with
    /// statements for the database of that label. May be given again.
    #[arg(long, value_name = "STATEMENT")]
    sqlite: Vec<String>,
    /// A value to put into the default key-value store first. May be given again.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    key_value: Vec<(String, String)>,
    /// The value of a variable of the app: `NAME=VALUE`, `NAME=@FILE` for a file's text, or
    /// `@FILE` for a JSON or TOML file of them. May be given again.
    #[arg(long, value_name = "NAME=VALUE")]
    variable: Vec<String>,
    /// An environment variable for every component. May be given again.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// The folder of stores and logs, in place of `.spin` beside the manifest.
    #[arg(long, value_name = "PATH")]
    state_dir: Option<PathBuf>,
    /// The folder of what components print, in place of `logs` in the state folder. Empty, it is
    /// kept in no file.
    #[arg(short = 'L', long, value_name = "PATH")]
    log_dir: Option<OsString>,
    /// A file that says what is behind the labels of stores, and which networks are blocked.
    #[arg(long, value_name = "PATH", env = "RUNTIME_CONFIG_FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Keep what components print off the terminal.
    #[arg(short, long)]
    quiet: bool,
    /// Requests that run at the same time; more wait.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().instances,
          value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_instances: u32,
    /// Memory one request may use [default: 256].
    #[arg(long, value_name = "MIB", value_parser = mebibytes)]
    max_memory: Option<usize>,
    /// Seconds one request may execute, waiting not counted.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().execution.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    max_execution: u64,
    /// Connections that are open at the same time; one more takes the place of one that does
    /// nothing.
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_CONNECTIONS,
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_connections: u32,
    /// Seconds a client may take over the head of a request, and keep the app waiting for the
    /// rest of it or for its reading of the response.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().client_timeout.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    client_timeout: u64,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it has to be NAME=VALUE".to_owned()),
    }
}

/// The address that a name or a number stands for: 127.0.0.1 where it is among several, as on
/// Spin.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => "it has to be HOST:PORT".to_owned(),
        _ => format!("the name has no address: {error}"),
    })?;
    let found: Vec<SocketAddr> = found.collect();
    let loopback = found.iter().find(|it| it.ip() == Ipv4Addr::LOCALHOST);
    loopback
        .or(found.first())
        .copied()
        .ok_or_else(|| "the name has no address".to_owned())
}

fn mebibytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(mib @ 1..=4096) => Ok(mib),
        _ => Err("it has to be a number from 1 to 4096".to_owned()),
    }
}

/// Carries out the command line, and writes the error that prevents it to standard error.
///
/// # Errors
/// What keeps the app from being served, naming its owner: a line of the manifest, a file, an
/// address in use.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let Command::Up(up) = cli.command;
    let outcome = up.run().await;
    if let Err(error) = &outcome {
        terminal::line(format_args!("error: {error:#}"));
    }
    terminal::flush();
    outcome
}

impl Up {
    async fn run(self) -> anyhow::Result<()> {
        let config = self.runtime_config()?;
        let app = App::load(&self.from, &self.given(&config)?)?;
        for warning in &app.warnings {
            terminal::line(format_args!("warning: {warning}"));
        }
        if self.build {
            build::build(&app).await?;
        }
        let settings = self.settings(&app, &config);
        let stores = Stores::open(&app, &config, &settings.state_dir)?;
        self.fill(&stores)?;
        let listener = self.bind().await?;
        let address = listener.local_addr()?;
        if let Some(folder) = &settings.log_dir {
            terminal::line(format_args!("Logging component stdio to {folder:?}"));
        }
        tell_stores(&stores);
        let stop = stop_signal()?;
        let host = Host::with_stores(app, &config, settings, address, &stores)?;
        tell_routes(&host, address);
        server::serve(listener, host, stop).await;
        Ok(())
    }

    /// Listens on the address given, or where its port is taken and that is asked for, on the
    /// next free one.
    async fn bind(&self) -> anyhow::Result<TcpListener> {
        let further = if self.find_free_port {
            PORTS_TRIED - 1
        } else {
            0
        };
        let first = self.listen.port();
        let mut address = self.listen;
        for port in first..=first.saturating_add(further) {
            address.set_port(port);
            match TcpListener::bind(address).await {
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                bound => return bound.with_context(|| format!("cannot listen on {address}")),
            }
        }
        anyhow::ensure!(
            self.find_free_port,
            "cannot listen on {address}: it is in use (`--find-free-port` looks for a free port)"
        );
        anyhow::bail!(
            "cannot listen on {}: it is in use, as are the ports after it up to {}",
            self.listen,
            address.port()
        )
    }

    fn runtime_config(&self) -> anyhow::Result<RuntimeConfig> {
        match &self.runtime_config_file {
            Some(path) => Ok(RuntimeConfig::load(path)?),
            None => Ok(RuntimeConfig::default()),
        }
    }

    fn given(&self, config: &RuntimeConfig) -> anyhow::Result<Given> {
        let mut given = Given {
            environment: self.env.clone(),
            providers: config.providers.clone(),
            process_environment: std::env::vars_os().collect(),
            environment_file: Some(".env".into()),
            ..Given::default()
        };
        for argument in &self.variable {
            given.add_variable(argument).context("`--variable`")?;
        }
        Ok(given)
    }

    /// The command line wins over the runtime configuration.
    fn settings(&self, app: &App, config: &RuntimeConfig) -> Settings {
        let given = self.state_dir.as_ref().or(config.state_dir.as_ref());
        let state_dir = given.map_or_else(|| app.dir.join(".spin"), Clone::clone);
        let log_dir = match &self.log_dir {
            Some(given) if given.is_empty() => None,
            Some(given) => Some(PathBuf::from(given)),
            None => config.log_dir.clone().or(Some(state_dir.join("logs"))),
        };
        Settings {
            log_dir,
            state_dir,
            quiet: self.quiet,
            limits: self.limits(config),
        }
    }

    fn limits(&self, config: &RuntimeConfig) -> Limits {
        let memory_mib = self.max_memory.map(|mib| mib << 20);
        let memory = memory_mib.or(config.max_instance_memory);
        Limits {
            instances: self.max_instances,
            memory_bytes: memory.unwrap_or(Limits::default().memory_bytes),
            execution: Duration::from_secs(self.max_execution),
            connections: open_files::connections(self.max_connections as usize),
            client_timeout: Duration::from_secs(self.client_timeout),
        }
    }

    fn fill(&self, stores: &Stores) -> anyhow::Result<()> {
        for (key, value) in &self.key_value {
            stores.set_key_value(key, value)?;
        }
        for argument in &self.sqlite {
            run_statements(stores, argument).with_context(|| format!("`--sqlite {argument}`"))?;
        }
        Ok(())
    }
}

fn run_statements(stores: &Stores, argument: &str) -> anyhow::Result<()> {
    let Some(file) = argument.strip_prefix('@') else {
        return stores.execute_sqlite("default", argument);
    };
    let (file, label) = file.split_once(':').unwrap_or((file, "default"));
    let (file, label) = (file.trim(), label.trim());
    anyhow::ensure!(
        !file.is_empty() && !label.is_empty(),
        "it has to be `@FILE` or `@FILE:LABEL`"
    );
    let statements =
        std::fs::read_to_string(file).with_context(|| format!("cannot read `{file}`"))?;
    stores.execute_sqlite(label, &statements)
}

fn tell_stores(stores: &Stores) {
    let (key_value, sqlite) = stores.default_files();
    if let Some(path) = key_value {
        terminal::line(format_args!("Storing default key-value data to {path:?}."));
    }
    if let Some(path) = sqlite {
        terminal::line(format_args!("Storing default SQLite data to {path:?}."));
    }
}

fn tell_routes(host: &Host, address: SocketAddr) {
    terminal::print(format_args!("\nServing http://{address}"));
    terminal::print(format_args!("Available Routes:"));
    for (route, target) in host.router().listing() {
        let name = host.name_of(target);
        terminal::print(format_args!("  {name}: http://{address}{route}"));
    }
}

/// Completes at the first Ctrl-C or SIGTERM. A second one ends the process at once.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        terminal::line(format_args!("finishing what is in flight"));
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            terminal::flush();
            std::process::exit(130);
        });
    })
}
