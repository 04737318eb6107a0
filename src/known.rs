//! Which findings are known already and not reported: those in a baseline, and those that are
//! older than a change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use lint_core::diagnostic::Diagnostic;
use lint_core::project::Project;

use crate::baseline::{self, Baseline, Key, Scope, Stale};
use crate::check::{Alive, Examined, Parted, touches};
use crate::cli::KnownArgs;
use crate::config::Settings;
use crate::diff_base::DiffBase;
use crate::discover::Files;
use crate::report::{UsedBaseline, plural};
use crate::terminal::{tell, warn};

/// How many stale entries are listed in a warning.
const LISTED: usize = 10;

/// What was asked for, resolved before anything is analysed so that mistakes show at once.
pub(crate) struct Known {
    baseline: Option<Opened>,
    diff_base: Option<DiffBase>,
}

struct Opened {
    /// Relative to the working directory.
    path: PathBuf,
    purpose: Purpose,
    /// `None` if a file is to be written that does not exist yet.
    content: Option<Baseline>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Read,
    Prune,
    Write,
}

/// What is known already, while the files change.
pub(crate) struct Hidden(Vec<Baseline>);

impl Hidden {
    pub(crate) fn new(baseline: Option<Baseline>) -> Self {
        Self(baseline.into_iter().collect())
    }

    pub(crate) fn hide(&self, findings: Vec<Diagnostic>, project: &Project<'_>) -> Vec<Diagnostic> {
        let hide = |findings, baseline: &Baseline| baseline.part(findings, project, "").0;
        self.0.iter().fold(findings, hide)
    }
}

impl Known {
    pub(crate) fn prepare(args: &KnownArgs, settings: &Settings, root: &Path) -> Result<Self> {
        let diff_base = args.diff_base.as_deref();
        Ok(Self {
            baseline: Opened::open(args, settings)?,
            diff_base: diff_base
                .map(|revision| DiffBase::find(revision, root))
                .transpose()?,
        })
    }

    /// The findings that are not to be fixed, since they are not reported either.
    pub(crate) fn hidden(&self, files: &Files, settings: &Settings) -> Result<Hidden> {
        let baseline = self.baseline.as_ref().and_then(|it| it.content.clone());
        let before = self.diff_base.as_ref();
        let before = before
            .map(|it| it.known_then(files, settings, None))
            .transpose()?;
        let before = before.map(|it| it.findings);
        Ok(Hidden(baseline.into_iter().chain(before).collect()))
    }

    /// Takes the findings out of what was examined.
    pub(crate) fn part(
        self,
        examined: &mut Examined,
        alive: &mut Alive<'_>,
        files: &Files,
        settings: &Settings,
    ) -> Result<Parted> {
        let project = &alive.analysis.project().view();
        let mut parted = Parted {
            new: std::mem::take(&mut examined.findings),
            baselined: None,
            preexisting: None,
            used: None,
            reference: None,
        };
        if let Some(opened) = self.baseline {
            let scope = Scope {
                rules: &settings.enabled,
                is_requested: &|key| files.is_requested(key),
                is_complete: examined.errors.is_empty()
                    && files.unlisted.is_empty()
                    && examined.cut_short.is_empty(),
            };
            let (baseline, used) = opened.settle(&parted.new, project, &scope)?;
            let (new, known) = baseline.part(parted.new, project, "The baseline");
            parted.new = new;
            parted.baselined = Some(known);
            parted.used = Some(used);
        }
        if let Some(diff_base) = self.diff_base {
            let then = diff_base.known_then(files, settings, Some(alive))?;
            parted.reference = Some(then.reference);
            let holder = format!("`{}`", diff_base.revision);
            let (new, known) = then.findings.part(parted.new, project, &holder);
            parted.new = new;
            parted.preexisting = Some(known);
        }
        Ok(parted)
    }
}

impl Opened {
    fn open(args: &KnownArgs, settings: &Settings) -> Result<Option<Self>> {
        if let Some(path) = &args.write_baseline {
            baseline::ensure_writable(path)?;
            // What is no baseline was named by mistake, and is not overwritten.
            let exists = path.symlink_metadata().is_ok();
            let content = exists.then(|| baseline::read(path)).transpose()?;
            return Ok(Some(Self {
                path: path.clone(),
                purpose: Purpose::Write,
                content,
            }));
        }
        let configured = settings.baseline.as_ref().filter(|_| !args.no_baseline);
        let Some(path) = args.baseline.as_ref().or(configured) else {
            if args.prune_baseline {
                bail!("there is no baseline to prune; name it with `--baseline FILE`");
            }
            return Ok(None);
        };
        if args.prune_baseline {
            baseline::ensure_writable(path)?;
        }
        Ok(Some(Self {
            path: path.clone(),
            purpose: if args.prune_baseline {
                Purpose::Prune
            } else {
                Purpose::Read
            },
            content: Some(baseline::read(path)?),
        }))
    }

    /// Writes what is to be written. Returns the baseline that is valid from now on.
    fn settle(
        self,
        findings: &[Diagnostic],
        project: &Project<'_>,
        scope: &Scope<'_>,
    ) -> Result<(Baseline, UsedBaseline)> {
        let present = Baseline::of(findings, project);
        let existed = self.content.is_some();
        let old = self.content.unwrap_or_default();
        let stale = old.stale(&present, scope);
        let path = self.path.display();
        let (baseline, stale) = match self.purpose {
            Purpose::Read => {
                report_stale(&stale, &self.path);
                (old, stale)
            }
            Purpose::Prune if !scope.is_complete => {
                warn(&format!(
                    "the baseline `{path}` was not pruned: not everything could be read, so what seems fixed may only be hidden"
                ));
                (old, stale)
            }
            Purpose::Prune => {
                let pruned = old.clone().pruned(&stale);
                let removed = old.beyond(&pruned);
                if removed > 0 {
                    baseline::write(&pruned, &self.path)?;
                }
                tell(&format!(
                    "removed {} from the baseline `{path}`, {} left",
                    plural(removed, "finding"),
                    pruned.len()
                ));
                (pruned, Vec::new())
            }
            Purpose::Write => {
                let is_requested = |file| (scope.is_requested)(project.key(file));
                let asked: BTreeSet<Key> = findings
                    .iter()
                    .filter(|it| touches(it, &is_requested))
                    .map(|it| Key::of(it, project))
                    .collect();
                let written = old.clone().rewritten(&present, &asked, scope);
                baseline::write(&written, &self.path)?;
                let mut message = format!(
                    "wrote {} to the baseline `{path}`",
                    plural(written.len(), "finding")
                );
                if existed {
                    let (more, less) = (written.beyond(&old), old.beyond(&written));
                    message.push_str(&format!(": {more} added, {less} removed"));
                }
                tell(&message);
                (written, Vec::new())
            }
        };
        let used = UsedBaseline {
            path: self.path,
            stale,
        };
        Ok((baseline, used))
    }
}

fn report_stale(stale: &[Stale], path: &Path) {
    if stale.is_empty() {
        return;
    }
    warn(&format!(
        "the baseline `{}` holds what is no longer found; `--prune-baseline` removes it",
        path.display()
    ));
    for Stale {
        key,
        expected,
        found,
    } in stale.iter().take(LISTED)
    {
        let what = key.culprit.as_ref().or(key.source.as_ref());
        let what = what.map(|it| format!(" `{it}`")).unwrap_or_default();
        let function = key.function.as_ref();
        let place = function.map(|it| format!(" in `{it}`")).unwrap_or_default();
        tell(&format!(
            "  {}: {}{what}{place}: {expected} in the baseline, {found} found",
            key.file, key.rule
        ));
    }
    if stale.len() > LISTED {
        tell(&format!("  and {} more", stale.len() - LISTED));
    }
}
