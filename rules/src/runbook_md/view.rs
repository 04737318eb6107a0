//! A bundle of the platform with its `runbook.md`, its files and its class.

use lint_core::diagnostic::{FileId, Place};
use lint_core::index::{ClassIx, MODULE_BODY};
use lint_core::knowledge::Role;
use lint_core::names::{Base, Bound};
use lint_core::project::{join, split};
use rustc_hash::FxHashSet;

use super::{RunbookMd, cli};
use crate::model::{Activity, Bundle, Runbook};
use crate::rule::Context;

/// The folders that are deployed.
pub(crate) const DEPLOYED: [&str; 3] = ["templates", "subledgers", "migrations"];

#[derive(Clone, Copy)]
pub(crate) struct View<'c, 'p> {
    pub(crate) cx: &'c Context<'p>,
    /// Index into the model's bundles.
    pub(crate) ix: usize,
    pub(crate) bundle: &'c Bundle,
    pub(crate) md: Option<&'c RunbookMd<'p>>,
}

/// The bundles of the platform: those with code of a runbook, and those whose `runbook.md` has a
/// slug. Operators give that name to other documents, too.
pub(crate) fn bundles<'c, 'p>(cx: &'c Context<'p>) -> impl Iterator<Item = View<'c, 'p>> {
    let all = cx
        .model
        .bundles
        .iter()
        .zip(cx.runbook_mds.iter())
        .enumerate();
    all.map(|(ix, (bundle, md))| View {
        cx,
        ix,
        bundle,
        md: md.as_ref(),
    })
    .filter(View::is_of_platform)
}

/// The same, those with a `runbook.md` only.
pub(crate) fn with_md<'c, 'p>(
    cx: &'c Context<'p>,
) -> impl Iterator<Item = (View<'c, 'p>, &'c RunbookMd<'p>)> {
    bundles(cx).filter_map(|view| Some((view, view.md?)))
}

impl<'c, 'p> View<'c, 'p> {
    fn is_of_platform(&self) -> bool {
        let is_code = |file: Option<FileId>| {
            let source = file.and_then(|file| self.cx.model.project.text(file));
            source.is_some_and(|it| it.text.contains("ntro") || it.text.contains("temporalio"))
        };
        is_code(self.bundle.workflow)
            || is_code(self.bundle.activities)
            || self.md.is_some_and(|md| {
                md.get("slug").is_some() || cli::read(&md.source.text, "slug").is_some()
            })
    }

    /// The slug in `runbook.md`, or else the name of the directory; empty when neither is known.
    pub(crate) fn slug(&self) -> &'c str {
        let written = self.md.and_then(|md| md.string("slug"));
        written.map_or(self.bundle.slug.as_str(), str::trim)
    }

    /// Whether `templates/workflow.py` has the class that the platform looks up for a slug.
    pub(crate) fn has_class_for(&self, slug: &str) -> bool {
        let class = cli::class_name(slug);
        let names = &self.cx.model.names;
        self.bundle
            .workflow
            .is_some_and(|file| names.is_bound(file, MODULE_BODY, &class) == Bound::Yes)
    }

    pub(crate) fn key_of(&self, path: &str) -> String {
        join(&self.bundle.directory, path)
    }

    pub(crate) fn file(&self, path: &str) -> Option<FileId> {
        self.cx.model.project.file(&self.key_of(path))
    }

    /// The path of one of its files relative to the bundle.
    pub(crate) fn path(&self, file: FileId) -> &'c str {
        let key = self.cx.model.project.key(file);
        let path = key
            .strip_prefix(self.bundle.directory.as_str())
            .unwrap_or(key);
        path.trim_start_matches('/')
    }

    /// The files below one of its folders, with their paths relative to the bundle.
    pub(crate) fn below(
        &self,
        folder: &'c str,
    ) -> impl Iterator<Item = (FileId, &'c str)> + use<'c, 'p> {
        let view = *self;
        let files = self
            .bundle
            .files
            .iter()
            .map(move |&file| (file, view.path(file)));
        files.filter(move |(_, path)| path.split('/').next() == Some(folder) && path.contains('/'))
    }

    /// The files that are deployed.
    pub(crate) fn deployed(&self) -> impl Iterator<Item = (FileId, &'c str)> + use<'c, 'p> {
        let view = *self;
        DEPLOYED
            .into_iter()
            .flat_map(move |folder| view.below(folder))
    }

    /// The runbook classes in its `templates/workflow.py`.
    pub(crate) fn runbooks(&self) -> impl Iterator<Item = &'c Runbook<'p>> + use<'c, 'p> {
        let workflow = self.bundle.workflow;
        let all = self.cx.model.runbooks.iter();
        all.filter(move |it| Some(it.file) == workflow && !it.is_base)
    }

    /// The class that runs: the one named after the slug, or the only one.
    pub(crate) fn runbook(&self) -> Option<&'c Runbook<'p>> {
        let expected = cli::class_name(self.slug());
        let named = self.runbooks().find(|it| it.name == expected);
        named.or_else(|| {
            let mut all = self.runbooks();
            all.next().filter(|_| all.next().is_none())
        })
    }

    pub(crate) fn activities(&self) -> impl Iterator<Item = &'c Activity<'p>> + use<'c, 'p> {
        let ix = self.ix;
        self.cx
            .model
            .activities
            .iter()
            .filter(move |it| it.bundle == Some(ix))
    }

    /// The classes from which the runbook inherits steps within the project.
    pub(crate) fn base_steps(&self, runbook: &Runbook<'_>) -> FxHashSet<&'c str> {
        let inherited: FxHashSet<(FileId, ClassIx)> = runbook
            .bases
            .iter()
            .skip(1)
            .filter_map(|base| match base {
                Base::Class { file, ix } => Some((*file, *ix)),
                _ => None,
            })
            .collect();
        let model = &self.cx.model;
        let classes = model.runbooks.iter().chain(&model.mixins);
        classes
            .filter(|it| inherited.contains(&(it.file, it.class)))
            .flat_map(|it| it.steps.iter().filter_map(|step| step.id()))
            .collect()
    }

    /// Whether the class is decorated as a workflow.
    pub(crate) fn is_decorated(runbook: &Runbook<'_>) -> bool {
        runbook
            .marks
            .iter()
            .any(|it| it.role == Role::WorkflowClass)
    }

    /// The place of its class, if there is one: where to point when `runbook.md` is missing.
    pub(crate) fn class_place(&self) -> Option<Place> {
        let runbook = self.runbook().or_else(|| self.runbooks().next())?;
        Some(Place {
            file: runbook.file,
            span: lint_core::syntax::span_of(&runbook.node.name),
        })
    }

    /// The directory in which the bundle lies.
    pub(crate) fn parent(&self) -> &'c str {
        split(&self.bundle.directory).0
    }
}
