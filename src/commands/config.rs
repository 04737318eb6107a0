//! `runbook-lint config`

use anyhow::Result;
use schemars::schema_for;

use super::locate;
use crate::Status;
use crate::cli::{Color, ConfigArgs};
use crate::config::{Options, Settings};
use crate::output::escape;
use crate::target::write_output;

pub(crate) fn run(args: &ConfigArgs, color: Color) -> Result<Status> {
    if args.schema {
        write_output(None, color, |out| {
            serde_json::to_writer_pretty(&mut *out, &schema_for!(Options))?;
            writeln!(out)
        })?;
        return Ok(Status::Clean);
    }
    let (cwd, root) = locate(&args.input, None)?;
    let settings = Settings::resolve(&root, &cwd, &args.input, &args.selection)?;
    write_output(None, color, |out| {
        writeln!(out, "# project root: {}", escape(&root.to_string_lossy()))?;
        for setting in &settings.shown {
            writeln!(
                out,
                "{} = {}  # {}",
                escape(&setting.key),
                escape(&setting.value),
                escape(&setting.origin.to_string())
            )?;
        }
        let enabled: Vec<&str> = settings.enabled.iter().copied().collect();
        writeln!(out, "# rules that run: {}", enabled.join(", "))
    })?;
    Ok(Status::Clean)
}
