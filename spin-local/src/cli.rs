//! The command line: `spin-local up`, with the options of `spin up` that its users use.

use std::net::SocketAddr;
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
use crate::server;

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
    /// The address to listen on; port 0 takes a free one.
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "SPIN_HTTP_LISTEN_ADDR",
        default_value = "127.0.0.1:3000"
    )]
    listen: SocketAddr,
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
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("it has to be NAME=VALUE".to_owned()),
    }
}

fn mebibytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(mib @ 1..=4096) => Ok(mib),
        _ => Err("it has to be a number from 1 to 4096".to_owned()),
    }
}

/// Does what the command line says.
///
/// # Errors
/// What keeps the app from being served, naming its owner: a line of the manifest, a file, an
/// address in use.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Up(up) => up.run().await,
    }
}

impl Up {
    async fn run(self) -> anyhow::Result<()> {
        let config = self.runtime_config()?;
        let app = App::load(&self.from, &self.given(&config)?)?;
        for warning in &app.warnings {
            eprintln!("warning: {warning}");
        }
        let settings = self.settings(&app, &config);
        let stores = Stores::open(&app, &config, &settings.state_dir)?;
        self.fill(&stores)?;
        let listener = TcpListener::bind(self.listen)
            .await
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        let address = listener.local_addr()?;
        eprintln!("Logging component stdio to {:?}", settings.log_dir);
        tell_stores(&stores);
        let stop = stop_signal()?;
        let host = Host::with_stores(app, &config, settings, address, &stores)?;
        tell_routes(&host, address);
        server::serve(listener, host, stop).await;
        Ok(())
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
        let memory_mib = self.max_memory.map(|mib| mib << 20);
        let default = Limits::default();
        Settings {
            log_dir: config
                .log_dir
                .clone()
                .unwrap_or_else(|| state_dir.join("logs")),
            state_dir,
            quiet: self.quiet,
            limits: Limits {
                instances: self.max_instances,
                memory_bytes: memory_mib
                    .or(config.max_instance_memory)
                    .unwrap_or(default.memory_bytes),
                execution: Duration::from_secs(self.max_execution),
            },
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
        eprintln!("Storing default key-value data to {path:?}.");
    }
    if let Some(path) = sqlite {
        eprintln!("Storing default SQLite data to {path:?}.");
    }
}

fn tell_routes(host: &Host, address: SocketAddr) {
    println!("\nServing http://{address}");
    println!("Available Routes:");
    for (route, component) in host.router().listing() {
        println!(
            "  {}: http://{address}{route}",
            host.component_id(component)
        );
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
        eprintln!("finishing what is in flight");
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(130);
        });
    })
}
