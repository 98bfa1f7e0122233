//! The command line.

mod create_admin;
mod migrate;
mod openapi;
mod seed_demo;
mod send;
mod serve;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::app::Services;
use crate::clock::Clock;
use crate::config::{Config, Log};

/// Self-hosted e-mail mailing service. Settings come from the environment and `.env`; see `.env.example`.
#[derive(Parser)]
#[command(name = "dispatch", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the API, the web application (where `FRONTEND_DIR` is set) and the delivery engine
    Serve {
        /// Leave the sending to other processes
        #[arg(long)]
        no_engine: bool,
    },
    /// Run the delivery engine alone; any number may run on one database
    Engine,
    /// Bring the database up to date
    Migrate,
    /// Create an administrator; asks, or reads `ADMIN_EMAIL` and `ADMIN_PASSWORD`
    CreateAdmin,
    /// Fill an empty database with demo users, recipients, messages and mailings
    SeedDemo {
        /// Also when there are data already
        #[arg(long)]
        force: bool,
    },
    /// Send a mailing now, and wait until it is done
    #[command(after_help = "Example: dispatch send 7")]
    Send {
        /// The mailing's id
        mailing: i64,
    },
    /// Start and send what is due, once, and print what was done
    RunDue,
    /// Print the OpenAPI document
    Openapi,
}

/// What a command may fail with; people read it.
type Failure = Box<dyn Error>;

/// Runs the command that the process's arguments name.
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Openapi => openapi::run(),
        command => services().and_then(|services| with_services(command, services)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The last word; if even that cannot be said, nobody listens.
            writeln!(io::stderr(), "dispatch: {failure}").ok();
            ExitCode::FAILURE
        }
    }
}

fn services() -> Result<Services, Failure> {
    let config = Config::from_env()?;
    log_to_stderr(&config.log)?;
    Ok(Services::new(config, Clock::system()))
}

fn with_services(command: Command, services: Services) -> Result<(), Failure> {
    match command {
        Command::Serve { no_engine: true } => serve::api(services),
        Command::Serve { no_engine: false } => serve::api_and_engine(services),
        Command::Engine => serve::engine(services),
        Command::Migrate => migrate::run(&services),
        Command::CreateAdmin => create_admin::run(&services),
        Command::SeedDemo { force: true } => seed_demo::add(&services),
        Command::SeedDemo { force: false } => seed_demo::fill_empty(&services),
        Command::Send { mailing } => send::one(&services, mailing),
        Command::RunDue => send::due(&services),
        Command::Openapi => openapi::run(),
    }
}

fn log_to_stderr(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    if log.json {
        lines.json().init();
    } else {
        lines.init();
    }
    Ok(())
}

/// Prints a line for whoever runs the command.
fn say(line: impl std::fmt::Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
