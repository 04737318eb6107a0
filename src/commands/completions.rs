//! `runbook-lint completions`

use anyhow::Result;
use clap::CommandFactory;

use crate::Status;
use crate::cli::{Cli, Color, CompletionsArgs};
use crate::target::write_output;

pub(crate) fn run(args: &CompletionsArgs) -> Result<Status> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // The generators expect that writing cannot fail, so they write into memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    // A script is not coloured, and has to arrive byte by byte.
    write_output(None, Color::Always, |out| out.write_all(&script))?;
    Ok(Status::Clean)
}
