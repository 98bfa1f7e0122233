//! The command line.

mod create_admin;
mod doctor;
mod healthcheck;
mod help;
mod migrate;
mod openapi;
mod output;
mod progress;
mod seed_demo;
mod send;
mod serve;
mod shutdown;
mod tables;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::output::{AlreadyReported, CommandError};
use crate::app::Services;
use crate::config::Config;
use crate::core::clock::Clock;
use crate::core::telemetry;

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
        /// Do not run the delivery engine: other processes do
        #[arg(long)]
        no_engine: bool,
    },
    /// Run the delivery engine only; any number of processes may share one database
    #[command(after_help = help::ENGINE)]
    Engine,
    /// Apply pending migrations to the database
    #[command(after_help = help::MIGRATE)]
    Migrate {
        /// Only list pending migrations; exit with 1 if there are any
        #[arg(long)]
        check: bool,
    },
    /// Create an administrator from `ADMIN_EMAIL` and `ADMIN_PASSWORD`, or prompt for them
    #[command(after_help = help::CREATE_ADMIN)]
    CreateAdmin,
    /// Fill an empty database with demo users, recipients, messages and mailings
    #[command(after_help = help::SEED_DEMO)]
    SeedDemo {
        /// Even if the database contains data
        #[arg(long)]
        force: bool,
    },
    /// Send a mailing now and wait until it is done
    #[command(after_help = help::SEND)]
    Send {
        /// The mailing's id
        mailing: i64,
    },
    /// Start and send due mailings once, and print a summary
    #[command(after_help = help::RUN_DUE)]
    RunDue,
    /// Print the OpenAPI document
    #[command(after_help = help::OPENAPI)]
    Openapi,
    /// Check settings, database, Redis, mail server and machine, and advise what to fix
    #[command(after_help = help::DOCTOR)]
    Doctor {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Ask the running process with these settings whether it is ready; for containers
    #[command(after_help = help::HEALTHCHECK)]
    Healthcheck {
        /// Ask a `dispatch engine`, even if an API runs on this machine too
        #[arg(long)]
        engine: bool,
    },
}

impl Command {
    /// Whether the command requires a fully migrated database.
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

/// Runs the command given by the process's arguments.
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Openapi => openapi::run(),
        Command::Doctor { json: true } => doctor::print_json(),
        Command::Doctor { json: false } => doctor::print_text(),
        Command::Healthcheck { engine: true } => healthcheck::engine(),
        Command::Healthcheck { engine: false } => healthcheck::any(),
        command => with_config(command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !is_silent(&error) {
                writeln!(io::stderr(), "dispatch: {error}").ok();
            }
            ExitCode::FAILURE
        }
    }
}

/// Whether the error needs no message: it has been printed, or stdout was closed, as by `head`.
fn is_silent(error: &CommandError) -> bool {
    let broken = error.downcast_ref::<io::Error>();
    error.is::<AlreadyReported>()
        || broken.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn with_config(command: Command) -> Result<(), CommandError> {
    let config = Config::from_env()?;
    let _telemetry = telemetry::start(&config.log)?;
    with_services(command, Services::new(config, Clock::system()))
}

fn with_services(command: Command, services: Services) -> Result<(), CommandError> {
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
            unreachable!("these commands use no services")
        }
    }
}
