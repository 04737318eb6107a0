//! What a rule is to the one who runs it.

use lint_core::diagnostic::Diagnostic;
use lint_core::facts::Facts;
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
}

impl<'p> Context<'p> {
    pub fn new(facts: &'p Facts<'p>) -> Self {
        let model = Model::new(facts);
        let runbook_mds = view::read_all(&model);
        Self {
            facts,
            model,
            runbook_mds,
        }
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
