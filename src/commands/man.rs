//! `runbook-lint man`

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::Status;
use crate::cli::{Cli, Color, EXIT_STATUS, ManArgs};
use crate::target::write_output;

pub(crate) fn run(args: &ManArgs) -> Result<Status> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    match &args.directory {
        Some(directory) => {
            write_pages(&program, directory).with_context(|| {
                format!("cannot write manual pages to `{}`", directory.display())
            })?;
        }
        // A page is not coloured, and has to arrive byte by byte.
        None => write_output(None, Color::Always, |out| page(&program, out))?,
    }
    Ok(Status::Clean)
}

fn write_pages(program: &Command, directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let commands = program.get_subcommands().filter(|it| !it.is_hide_set());
    for command in [program].into_iter().chain(commands) {
        let name = Man::new(command.clone()).get_filename();
        let mut out = BufWriter::new(File::create(directory.join(name))?);
        page(command, &mut out)?;
        out.flush()?;
    }
    Ok(())
}

fn page(command: &Command, mut out: &mut dyn Write) -> io::Result<()> {
    let title = command.get_display_name().unwrap_or(command.get_name());
    let man = Man::new(command.clone())
        .title(title.to_uppercase())
        // An empty date would make the source stand in its place, and a real one would differ
        // from build to build.
        .date(" ")
        .source(concat!("runbook-lint ", env!("CARGO_PKG_VERSION")));
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out)?;
    }
    // All commands exit alike, so each page says it.
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in EXIT_STATUS {
        roff.control("TP", []);
        roff.text([roman(status)]);
        roff.text([roman(meaning)]);
    }
    roff.to_writer(&mut out)
}
