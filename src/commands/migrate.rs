//! `runbook-lint migrate`

use anyhow::Result;
use lint_core::diagnostic::{Applicability, Severity};

use super::fix::{Wish, apply};
use super::{locate, start_threads};
use crate::Status;
use crate::check::examine;
use crate::cli::{Color, KnownArgs, MigrateArgs, SelectionArgs};
use crate::config::Settings;
use crate::discover::Files;
use crate::known::Known;
use crate::report::{Places, plural};
use crate::terminal::{tell, warn};

/// The rules whose fixes lead from `temporalio`, and from former ways of `ntro`, to the facade.
const RULES: [&str; 9] = [
    "missing-base-class",
    "missing-defn",
    "decorator-arguments",
    "temporalio-import",
    "unbound-facade",
    "unknown-facade-member",
    "unknown-import",
    "mixed-sdk",
    "ui-step",
];

pub(crate) fn run(mut args: MigrateArgs, color: Color) -> Result<Status> {
    if args.input.paths.is_empty() {
        args.input.paths.push(".".into());
    }
    let (cwd, root) = locate(&args.input, None)?;
    let selection = SelectionArgs {
        select: Some(RULES.map(str::to_owned).to_vec()),
        ..SelectionArgs::default()
    };
    let settings = Settings::resolve(&root, &cwd, &args.input, &selection)?;
    let known = KnownArgs {
        no_baseline: true,
        ..KnownArgs::default()
    };
    let known = Known::prepare(&known, &settings, &root)?;
    let mut files = Files::discover(&root, &cwd, &args.input, &settings);
    start_threads(None)?;
    let wish = Wish {
        least: Applicability::Unsafe,
        minimum: Severity::Info,
        diff: args.diff,
        only: false,
        output_file: None,
        color,
    };
    let fixed = apply(&mut files, &known, &settings, &wish)?;
    fixed.warnings.iter().for_each(|it| warn(it));
    if let Some(status) = fixed.status {
        return Ok(status);
    }
    let project = files.project(&settings);
    let places = Places::new(&project, &root, &cwd);
    let mut left = examine(&project, &settings, &[]).findings;
    left.retain(|it| files.is_requested(project.key(it.place.file)));
    for finding in &left {
        let (start, _) = places.range(finding.place);
        let path = places.path(finding.place.file);
        let (code, message) = (finding.code, &finding.message);
        tell(&format!("{path}:{}: {code} {message}", start.line));
    }
    if left.is_empty() && fixed.warnings.is_empty() {
        return Ok(Status::Clean);
    }
    tell(&format!("{} left to people", plural(left.len(), "finding")));
    Ok(Status::Findings)
}
