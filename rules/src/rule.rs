//! What a rule is to the one who runs it.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::facts::Facts;
use lint_core::names::Names;
use lint_core::rule::RuleMetadata;

use crate::model::Model;
use crate::runbook_md::{RunbookMd, view};

/// Everything a rule may look at.
pub struct Context<'p> {
    pub facts: &'p Facts<'p>,
    /// What the bundles contain, as far as their text tells.
    pub model: Model<'p>,
    /// The `runbook.md` of each bundle of the model.
    pub(crate) runbook_mds: Vec<Option<RunbookMd<'p>>>,
    names: OnceCell<Names<'p>>,
}

impl<'p> Context<'p> {
    pub fn new(facts: &'p Facts<'p>) -> Self {
        let model = Model::new(facts);
        let runbook_mds = view::read_all(&model);
        Self {
            facts,
            model,
            runbook_mds,
            names: OnceCell::new(),
        }
    }

    /// What names mean in the files where something was found, for fixes: unlike those of the
    /// model, also outside of bundles.
    pub(crate) fn names(&self) -> &Names<'p> {
        self.names.get_or_init(|| {
            let culprits = self.facts.hazards.iter().flat_map(|it| {
                let steps = it.trace.iter().map(|step| step.place.file);
                steps.chain([it.place.file])
            });
            let activities = self.model.bundles.iter().filter_map(|it| it.activities);
            let files: BTreeSet<FileId> = culprits.chain(activities).collect();
            let files: Vec<FileId> = files.into_iter().collect();
            Names::new(self.facts.project, self.facts.knowledge, &files)
        })
    }
}

/// One rule. It reads no files and prints nothing.
pub trait Rule: Sync {
    fn metadata(&self) -> &'static RuleMetadata;

    /// The hazard classes of APIs that it reports, if it is about APIs. A user who gives the
    /// rule's name to a name of their own means the first one.
    fn classes(&self) -> &'static [&'static str] {
        &[]
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>);
}
