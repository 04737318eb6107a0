//! The command line of runbook-lint: arguments, settings, the check, a report. See ARCHITECTURE.md.

mod baseline;
mod check;
mod cli;
mod commands;
mod config;
mod diff_base;
mod discover;
mod file;
mod fix;
mod known;
mod lock;
mod output;
mod progress;
mod report;
mod server;
mod target;
mod terminal;
mod watch;
mod wrap;

use std::io;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use lint_core::syntax::STACK_SIZE;

use cli::{Cli, Command};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Clean,
    Findings,
    Failure,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Clean => Self::SUCCESS,
            Status::Findings => Self::from(1),
            Status::Failure => Self::from(2),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let status = on_large_stack(|| run(cli)).unwrap_or_else(|error| {
        // Whoever reads our output has read enough.
        if is_broken_pipe(&error) {
            return Status::Clean;
        }
        terminal::report_failure(&error);
        Status::Failure
    });
    status.into()
}

fn run(cli: Cli) -> Result<Status> {
    match cli.command {
        Command::Check(args) => commands::check::run(*args, cli.color),
        Command::Migrate(args) => commands::migrate::run(args, cli.color),
        Command::Graph(args) => commands::graph::run(args, cli.color),
        Command::Lock(args) => commands::lock::run(args),
        Command::Icons(args) => commands::icons::run(&args, cli.color),
        Command::Init(args) => commands::init::run(&args),
        Command::Rule(args) => commands::rule::run(&args, cli.color),
        Command::Server(_) => server::run(),
        Command::Config(args) => commands::config::run(&args, cli.color),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
    }
}

/// Syntax trees are deep, and so is the recursion over them, down to their destructors. A panic
/// becomes an error like any other.
fn on_large_stack(work: impl FnOnce() -> Result<Status> + Send + 'static) -> Result<Status> {
    let thread = std::thread::Builder::new()
        .name("runbook-lint".to_owned())
        .stack_size(STACK_SIZE)
        .spawn(work)
        .context("cannot start a thread")?;
    thread.join().unwrap_or_else(|_| {
        Err(anyhow!(
            "this is a bug; please report it at {}/issues with the message above",
            env!("CARGO_PKG_REPOSITORY")
        ))
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
