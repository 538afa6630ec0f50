//! The command line: `spin-local up`, with the commonly used options of `spin up`.

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
use crate::manifest::{App, Overrides};
use crate::runtime_config::RuntimeConfig;
use crate::{build, file_limit, server, terminal};

/// The default of `--max-connections`.
const DEFAULT_CONNECTIONS: u32 = 1024;

/// The number of ports that `--find-free-port` tries, as in Spin.
const PORTS_TRIED: u16 = 10;

/// Runs Spin HTTP apps without the Spin CLI.
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
    /// The manifest, or its folder.
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
    /// The address to listen on, `HOST:PORT`; port 0 selects a free port.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "SPIN_HTTP_LISTEN_ADDR",
        default_value = "127.0.0.1:3000",
        value_parser = listen_address
    )]
    listen: SocketAddr,
    /// If the port is in use, try the next ports, ten in total.
    #[arg(long)]
    find_free_port: bool,
    /// A statement to run on the default SQLite database before the start, or `@FILE[:LABEL]` with
    /// statements for the database with that label. Can be repeated.
    #[arg(long, value_name = "STATEMENT")]
    sqlite: Vec<String>,
    /// A value to set in the default key-value store before the start. Can be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    key_value: Vec<(String, String)>,
    /// The value of a variable of the app: `NAME=VALUE`, `NAME=@FILE` for the text of a file, or
    /// `@FILE` for a JSON or TOML file of values. Can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    variable: Vec<String>,
    /// An environment variable for every component. Can be repeated.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// The folder for stores and logs [default: `.spin` beside the manifest].
    #[arg(long, value_name = "PATH")]
    state_dir: Option<PathBuf>,
    /// The folder for the output of components [default: `logs` in the state folder]. An empty value
    /// disables log files.
    #[arg(short = 'L', long, value_name = "PATH")]
    log_dir: Option<OsString>,
    /// The runtime configuration: files of stores, sources of variables, blocked networks.
    #[arg(long, value_name = "PATH", env = "RUNTIME_CONFIG_FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Do not show the output of components on the terminal.
    #[arg(short, long)]
    quiet: bool,
    /// The number of requests that run at the same time; further requests wait.
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().instances,
          value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_instances: u32,
    /// The memory limit of a request [default: 256].
    #[arg(long, value_name = "MIB", value_parser = mebibytes)]
    max_memory: Option<usize>,
    /// The execution time limit of a request; waiting does not count.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().execution.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    max_execution: u64,
    /// The number of open connections; a further connection replaces an inactive one.
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_CONNECTIONS,
          value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_connections: u32,
    /// The time limit of a client for sending the head of a request, and for keeping the app waiting
    /// for the body or for room to write the response.
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().client_timeout.as_secs(),
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    client_timeout: u64,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("must be NAME=VALUE".to_owned()),
    }
}

/// Resolves an address. As on Spin, 127.0.0.1 takes precedence over other addresses of a name.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let found = text.to_socket_addrs().map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => "must be HOST:PORT".to_owned(),
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
        _ => Err("must be a number from 1 to 4096".to_owned()),
    }
}

/// Runs the command line, and writes its error to standard error.
///
/// # Errors
///
/// The reason why the app cannot be served, such as a fault of the manifest, an unreadable file, or
/// an address in use.
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
        let app = App::load(&self.from, &self.overrides(&config)?)?;
        for warning in &app.warnings {
            terminal::line(format_args!("warning: {warning}"));
        }
        if self.build {
            build::build(&app).await?;
        }
        let settings = self.settings(&app, &config);
        let stores = Stores::open(&app, &config, &settings.state_dir)?;
        self.initialise(&stores)?;
        let listener = self.bind().await?;
        let address = listener.local_addr()?;
        if let Some(folder) = &settings.log_dir {
            terminal::line(format_args!("Logging component stdio to {folder:?}"));
        }
        print_stores(&stores);
        let shutdown = shutdown_signal()?;
        let host = Host::with_stores(app, &config, settings, address, &stores)?;
        print_routes(&host, address);
        server::serve(listener, host, shutdown).await;
        Ok(())
    }

    /// Listens on the requested address. With `--find-free-port`, a port in use is replaced by the
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
            "cannot listen on {address}: it is in use (`--find-free-port` selects a free port)"
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

    fn overrides(&self, config: &RuntimeConfig) -> anyhow::Result<Overrides> {
        let mut overrides = Overrides {
            environment: self.env.clone(),
            providers: config.providers.clone(),
            process_environment: std::env::vars_os().collect(),
            environment_file: Some(".env".into()),
            ..Overrides::default()
        };
        for argument in &self.variable {
            overrides.add_variable(argument).context("`--variable`")?;
        }
        Ok(overrides)
    }

    /// Returns the settings. The command line takes precedence over the runtime configuration.
    fn settings(&self, app: &App, config: &RuntimeConfig) -> Settings {
        let configured = self.state_dir.as_ref().or(config.state_dir.as_ref());
        let state_dir = configured.map_or_else(|| app.dir.join(".spin"), Clone::clone);
        let log_dir = match &self.log_dir {
            Some(folder) if folder.is_empty() => None,
            Some(folder) => Some(PathBuf::from(folder)),
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
            connections: file_limit::connections(self.max_connections as usize),
            client_timeout: Duration::from_secs(self.client_timeout),
        }
    }

    /// Applies `--key-value` and `--sqlite`.
    fn initialise(&self, stores: &Stores) -> anyhow::Result<()> {
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
        return stores.execute_one_sqlite(argument);
    };
    let (file, label) = file.split_once(':').unwrap_or((file, "default"));
    let (file, label) = (file.trim(), label.trim());
    anyhow::ensure!(
        !file.is_empty() && !label.is_empty(),
        "must be `@FILE` or `@FILE:LABEL`"
    );
    let statements =
        std::fs::read_to_string(file).with_context(|| format!("cannot read `{file}`"))?;
    stores.execute_sqlite(label, &statements)
}

fn print_stores(stores: &Stores) {
    let (key_value, sqlite) = stores.default_files();
    if let Some(path) = key_value {
        terminal::line(format_args!("Storing default key-value data to {path:?}."));
    }
    if let Some(path) = sqlite {
        terminal::line(format_args!("Storing default SQLite data to {path:?}."));
    }
}

fn print_routes(host: &Host, address: SocketAddr) {
    terminal::print(format_args!("\nServing http://{address}"));
    terminal::print(format_args!("Available Routes:"));
    for (route, target) in host.router().listing() {
        let name = host.name_of(target);
        terminal::print(format_args!("  {name}: http://{address}{route}"));
    }
}

/// Completes at the first Ctrl-C or SIGTERM. A second signal ends the process at once.
fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        terminal::line(format_args!(
            "shutting down: waiting for requests in flight"
        ));
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
