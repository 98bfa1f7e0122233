//! The command line.

mod create_admin;
mod doctor;
mod healthcheck;
mod help;
mod migrate;
mod openapi;
mod progress;
mod seed_demo;
mod send;
mod serve;
mod tables;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::app::Services;
use crate::config::{Config, Log};
use crate::core::clock::Clock;

/// Self-hosted e-mail mailing service
#[derive(Parser)]
#[command(name = "dispatch", version, after_help = help::PROGRAM)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the API, the web application (where `FRONTEND_DIR` is set) and the delivery engine
    #[command(after_help = help::SERVE)]
    Serve {
        /// Leave the sending to other processes
        #[arg(long)]
        no_engine: bool,
    },
    /// Run the delivery engine alone; any number may run on one database
    #[command(after_help = help::ENGINE)]
    Engine,
    /// Bring the database up to date
    #[command(after_help = help::MIGRATE)]
    Migrate {
        /// Only say what is pending, and end with 1 if anything is
        #[arg(long)]
        check: bool,
    },
    /// Create an administrator; asks, or reads `ADMIN_EMAIL` and `ADMIN_PASSWORD`
    #[command(after_help = help::CREATE_ADMIN)]
    CreateAdmin,
    /// Fill an empty database with demo users, recipients, messages and mailings
    #[command(after_help = help::SEED_DEMO)]
    SeedDemo {
        /// Also when there are data already
        #[arg(long)]
        force: bool,
    },
    /// Send a mailing now, and wait until it is done
    #[command(after_help = help::SEND)]
    Send {
        /// The mailing's id
        mailing: i64,
    },
    /// Start and send what is due, once, and print what was done
    #[command(after_help = help::RUN_DUE)]
    RunDue,
    /// Print the OpenAPI document
    #[command(after_help = help::OPENAPI)]
    Openapi,
    /// Look whether everything is there and as it should be, and say what to do where it is not
    #[command(after_help = help::DOCTOR)]
    Doctor {
        /// For machines: one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Ask the process that runs with these settings whether it is ready; for containers
    #[command(after_help = help::HEALTHCHECK)]
    Healthcheck {
        /// Ask a `dispatch engine`, also where an API listens
        #[arg(long)]
        engine: bool,
    },
}

impl Command {
    /// Whether it can do nothing as long as the database lacks a migration.
    fn needs_tables(&self) -> bool {
        match self {
            Self::Serve { .. }
            | Self::Engine
            | Self::CreateAdmin
            | Self::SeedDemo { .. }
            | Self::Send { .. }
            | Self::RunDue => true,
            Self::Migrate { .. }
            | Self::Openapi
            | Self::Doctor { .. }
            | Self::Healthcheck { .. } => false,
        }
    }
}

/// What a command may fail with; people read it.
type Failure = Box<dyn Error>;

/// It did not go well, and all about it has been said.
#[derive(Debug, thiserror::Error)]
#[error("not done")]
struct AlreadySaid;

/// Runs the command that the process's arguments name.
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Openapi => openapi::run(),
        Command::Doctor { json: true } => doctor::for_machines(),
        Command::Doctor { json: false } => doctor::for_people(),
        Command::Healthcheck { engine: true } => healthcheck::engine(),
        Command::Healthcheck { engine: false } => healthcheck::whoever_runs(),
        command => services().and_then(|services| with_services(command, services)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !needs_no_words(&failure) {
                // The last word; if even that cannot be said, nobody listens.
                writeln!(io::stderr(), "dispatch: {failure}").ok();
            }
            ExitCode::FAILURE
        }
    }
}

/// All has been said, or whoever listened has gone, as `head` does.
fn needs_no_words(failure: &Failure) -> bool {
    let broken = failure.downcast_ref::<io::Error>();
    failure.is::<AlreadySaid>()
        || broken.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn services() -> Result<Services, Failure> {
    let config = Config::from_env()?;
    log_to_stderr(&config.log)?;
    Ok(Services::new(config, Clock::system()))
}

fn with_services(command: Command, services: Services) -> Result<(), Failure> {
    if command.needs_tables() {
        tables::check(&services)?;
    }
    match command {
        Command::Serve { no_engine: true } => serve::api(services),
        Command::Serve { no_engine: false } => serve::api_and_engine(services),
        Command::Engine => serve::engine(services),
        Command::Migrate { check: true } => migrate::check(&services),
        Command::Migrate { check: false } => migrate::run(&services),
        Command::CreateAdmin => create_admin::run(&services),
        Command::SeedDemo { force: true } => seed_demo::add(&services),
        Command::SeedDemo { force: false } => seed_demo::fill_empty(&services),
        Command::Send { mailing } => send::one(&services, mailing),
        Command::RunDue => send::due(&services),
        Command::Openapi | Command::Doctor { .. } | Command::Healthcheck { .. } => {
            unreachable!("these need no services")
        }
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
