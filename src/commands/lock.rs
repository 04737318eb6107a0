//! `runbook-lint lock`

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Result, bail};
use lint_core::analysis::analyse_with_structures;
use lint_core::knowledge::Knowledge;
use lint_core::suggest::closest;
use rules::reference::{Recorded, record, write_workflow};

use super::{locate, start_threads};
use crate::Status;
use crate::cli::{LockArgs, SelectionArgs};
use crate::config::Settings;
use crate::discover::Files;
use crate::lock;
use crate::report::{plural, stopped_at_a_bound};
use crate::terminal::{tell, warn};

pub(crate) fn run(mut args: LockArgs) -> Result<Status> {
    if args.input.paths.is_empty() {
        args.input.paths.push(PathBuf::from("."));
    }
    let (cwd, root) = locate(&args.input, None)?;
    let settings = Settings::resolve(&root, &cwd, &args.input, &SelectionArgs::default())?;
    // What is there is understood before it is replaced.
    let old = lock::read(&root)?;
    let files = Files::discover(&root, &cwd, &args.input, &settings);
    let project = files.project(&settings);
    start_threads(None)?;
    let knowledge = Knowledge::new(&rules::catalogue::TABLES, settings.knowledge.clone());
    let facts = analyse_with_structures(&project, &knowledge);
    stopped_at_a_bound(&facts.cut_short)
        .iter()
        .for_each(|it| warn(it));
    let unread = project.errors().len();
    if unread > 0 {
        bail!(
            "{} could not be read in full; `runbook-lint check` says why",
            plural(unread, "file")
        );
    }
    let new = record(&facts);
    if args.check {
        return check(old.as_deref(), &new);
    }
    let recorded = match args.update.is_empty() {
        true => new,
        false => updated(old.unwrap_or_default(), new, &args.update)?,
    };
    let count = plural(recorded.len(), "workflow");
    match lock::replace(&root, &recorded)? {
        true => tell(&format!("wrote `{}` with {count}", lock::NAME)),
        false => tell(&format!("`{}` is up to date with {count}", lock::NAME)),
    }
    Ok(Status::Clean)
}

/// Says whose commands are not those that are recorded.
fn check(old: Option<&[Recorded]>, new: &[Recorded]) -> Result<Status> {
    let Some(old) = old else {
        bail!(
            "there is no `{}`; `runbook-lint lock` writes it",
            lock::NAME
        );
    };
    let blocks = |all: &[Recorded]| -> BTreeSet<(String, String)> {
        let block = |it: &Recorded| {
            let same =
                |other: &&Recorded| other.structure.workflow_type == it.structure.workflow_type;
            let is_unique = all.iter().filter(same).count() == 1;
            (
                it.structure.workflow_type.clone(),
                write_workflow(it, is_unique),
            )
        };
        all.iter().map(block).collect()
    };
    let (old, new) = (blocks(old), blocks(new));
    let differing: BTreeSet<&String> = old
        .symmetric_difference(&new)
        .map(|(name, _)| name)
        .collect();
    for name in &differing {
        tell(&format!("`{name}` is not as `{}` records it", lock::NAME));
    }
    if differing.is_empty() {
        tell(&format!(
            "`{}` is up to date with {}",
            lock::NAME,
            plural(new.len(), "workflow")
        ));
        return Ok(Status::Clean);
    }
    Ok(Status::Findings)
}

/// The old records, with these workflows as they are now.
fn updated(old: Vec<Recorded>, new: Vec<Recorded>, names: &[String]) -> Result<Vec<Recorded>> {
    let is_asked = |it: &Recorded| names.contains(&it.structure.workflow_type);
    for name in names {
        if old
            .iter()
            .chain(&new)
            .all(|it| it.structure.workflow_type != *name)
        {
            let known = new.iter().map(|it| it.structure.workflow_type.as_str());
            match closest(name, known) {
                Some(near) => bail!("there is no workflow `{name}`; did you mean `{near}`?"),
                None => bail!("there is no workflow `{name}`"),
            }
        }
    }
    let kept = old.into_iter().filter(|it| !is_asked(it));
    let mut all: Vec<Recorded> = kept.chain(new.into_iter().filter(is_asked)).collect();
    all.sort_by(|a, b| a.structure.workflow_type.cmp(&b.structure.workflow_type));
    Ok(all)
}
