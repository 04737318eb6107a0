//! What runbook bundles contain, as far as their text tells: classes, steps, handlers, activities
//! and calls with what they resolve to. It is made once per run and shared by all rules about the
//! contract of a runbook.
//!
//! Code that does not use `ntro` is not in it, so those rules stay silent there.

mod calls;
mod classes;
mod decorators;
mod files;
mod flow;
mod temporal;
mod types;
mod walk;

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;

use lint_core::diagnostic::{FileId, Span};
use lint_core::facts::Facts;
use lint_core::index::{Function, FunctionIx, FunctionNode, Index, MODULE_BODY, Module};
use lint_core::knowledge::Knowledge;
use lint_core::names::{Names, Resolved};
use lint_core::project::{Project, join};
use lint_core::syntax::ast;
use lint_core::syntax::span_of;
use rustc_hash::FxHashMap;

pub(crate) use calls::{PUTS, calls_in};
pub use classes::class_assignments;
pub use types::{
    Activity, Argument, Bundle, CallSite, Derives, Handler, Mark, Method, Runbook, Sdk, Side, Step,
    StepCall, Usage,
};
pub use walk::{ImportSite, Scope};

use decorators::Decorators;
use files::{bundles, files};
pub(crate) use temporal::{ACTIVITY_WORDS, activity_files, uses_temporal};
use temporal::{Temporal, activity_name};

/// The contract of the runbooks, and the calls of code that has none.
pub struct Model<'p> {
    contract: Rc<Contract<'p>>,
    temporal: Rc<Temporal<'p>>,
    is_asked: Cell<bool>,
}

/// What is known of the runbooks of a project.
pub struct Contract<'p> {
    pub project: &'p Project<'p>,
    pub names: Names<'p>,
    /// Sorted by directory.
    pub bundles: Vec<Bundle>,
    /// Files of bundles (without tests) and other files that mention `ntro`; sorted.
    pub files: Vec<FileId>,
    /// Classes that are a runbook, or a base class of one; by place.
    pub runbooks: Vec<Runbook<'p>>,
    /// Classes that have steps but are no runbooks, such as mixins; by place.
    pub mixins: Vec<Runbook<'p>>,
    /// Functions marked as an activity, by place.
    pub activities: Vec<Activity<'p>>,
    /// All calls in [`Contract::files`], by file and function, in the order of evaluation.
    pub calls: Vec<CallSite<'p>>,
    calls_of: FxHashMap<(FileId, FunctionIx), (usize, usize)>,
    sides: FxHashMap<(FileId, FunctionIx), Side>,
}

impl<'p> Deref for Model<'p> {
    type Target = Contract<'p>;

    fn deref(&self) -> &Contract<'p> {
        self.is_asked.set(true);
        &self.contract
    }
}

impl<'p> Model<'p> {
    /// The runbooks of the project without any other code.
    pub(crate) fn of_runbooks(facts: &'p Facts<'p>) -> Self {
        let contract = Rc::new(Contract::new(facts));
        Self::of(contract, Rc::new(Temporal::new(facts, &[])))
    }

    /// With the calls of all other code.
    pub(crate) fn with_other_code(&self, facts: &'p Facts<'p>) -> Self {
        let files = self.contract.plain_files(facts);
        let temporal = Rc::new(Temporal::new(facts, &files));
        Self::of(self.contract.clone(), temporal)
    }

    fn of(contract: Rc<Contract<'p>>, temporal: Rc<Temporal<'p>>) -> Self {
        Self {
            contract,
            temporal,
            is_asked: Cell::new(false),
        }
    }

    /// The calls of a part, among all runbooks and as if there were none.
    pub(crate) fn of_part(contract: &Rc<Contract<'p>>, facts: &'p Facts<'p>) -> (Self, Self) {
        let files = contract.plain_files(facts);
        let temporal = Rc::new(Temporal::new(facts, &files));
        let none = Rc::new(Contract::empty(facts.project, facts.knowledge));
        // What is read of the part itself is noted.
        let contract = if contract.is_empty() { &none } else { contract };
        let among_all = Self::of(contract.clone(), temporal.clone());
        (among_all, Self::of(none, temporal))
    }

    pub(crate) fn contract(&self) -> &Rc<Contract<'p>> {
        &self.contract
    }

    /// Whether somebody wanted to know something about the runbooks.
    pub(crate) fn is_asked(&self) -> bool {
        self.is_asked.get()
    }

    /// All calls in plain Temporal code and what it runs, which is not in [`Contract::files`]; by
    /// file.
    pub fn temporal_calls(&self) -> &[CallSite<'p>] {
        &self.temporal.calls
    }

    /// The activities that those files define.
    pub(crate) fn temporal_activities(&self) -> impl Iterator<Item = &Resolved> {
        self.temporal.activities()
    }

    /// What names mean in those files.
    pub fn temporal_names(&self) -> &Names<'p> {
        &self.temporal.names
    }

    /// What a call of the SDK schedules: a function or class that it names, or whose name it has as text.
    pub(crate) fn scheduled(&self, site: &CallSite<'_>, target: &ast::Expr) -> Option<Resolved> {
        let names = self.names_in(site.file);
        let named = || names.const_str(site.file, site.function, target);
        match names.resolve(site.file, site.function, target) {
            None | Some(Resolved::Variable { .. }) => {
                self.activity_named(&named()?, site.call, site.file)
            }
            found => found,
        }
    }

    /// The only activity of plain Temporal code that has this name, for a call in a file. Workers of
    /// another task queue may be of another project that lies beside.
    pub(crate) fn activity_named(
        &self,
        name: &str,
        call: &ast::ExprCall,
        from: FileId,
    ) -> Option<Resolved> {
        let is_own = call.arguments.find_keyword("task_queue").is_none();
        self.temporal.activity(name, from, is_own)
    }

    /// The name under which a function of plain Temporal code is registered as an activity that has its parameters.
    pub(crate) fn activity_name(&self, file: FileId, function: &Function<'p>) -> Option<String> {
        activity_name(self.decorators(file), file, function)
    }

    /// Whether a function has the parameters that are written for those who call it: its only decorator is not of
    /// the project, or all leave it as it is.
    pub(crate) fn keeps_parameters(&self, file: FileId, function: &Function<'p>) -> bool {
        let FunctionNode::Def(def) = function.node else {
            return false;
        };
        let names = self.names_in(file);
        let is_outside = |it: &ast::Decorator| {
            let callee = match &it.expression {
                ast::Expr::Call(call) => &*call.func,
                other => other,
            };
            let resolved = names.resolve(file, function.parent, callee);
            resolved.is_some_and(|it| it.external().is_some())
        };
        let leaves = |it| self.decorators(file).leaves(file, function, it).is_some();
        match &def.decorator_list[..] {
            [only] => is_outside(only) || leaves(only),
            several => !several.is_empty() && several.iter().all(leaves),
        }
    }

    fn decorators(&self, file: FileId) -> Decorators<'_, 'p> {
        Decorators {
            project: self.project,
            names: self.names_in(file),
        }
    }

    /// The files that may define activities, if somebody wanted to know of those that nothing leads to.
    pub(crate) fn asked_activities(&self) -> Option<&[FileId]> {
        self.temporal.asked()
    }

    /// What names mean in a file, of a bundle or of plain Temporal code.
    pub fn names_in(&self, file: FileId) -> &Names<'p> {
        match self.files.binary_search(&file) {
            Ok(_) => &self.names,
            Err(_) => self.temporal.names_in(file),
        }
    }

    /// All calls, in runbooks and in plain Temporal code.
    pub fn all_calls(&self) -> impl Iterator<Item = &CallSite<'p>> {
        self.calls.iter().chain(self.temporal_calls())
    }
}

impl<'p> Contract<'p> {
    fn new(facts: &'p Facts<'p>) -> Self {
        let project = facts.project;
        let bundles = bundles(project);
        let files = files(facts, &bundles);
        let mut contract = Self {
            names: Names::new(project, facts.knowledge, &files),
            bundles,
            files,
            ..Self::empty(project, facts.knowledge)
        };
        contract.find_classes(facts);
        contract.find_activities(facts);
        contract.find_calls();
        contract.find_orders();
        contract.find_sides();
        contract
    }

    fn empty(project: &'p Project<'p>, knowledge: &'p Knowledge) -> Self {
        Self {
            project,
            names: Names::new(project, knowledge, &[]),
            bundles: Vec::new(),
            files: Vec::new(),
            runbooks: Vec::new(),
            mixins: Vec::new(),
            activities: Vec::new(),
            calls: Vec::new(),
            calls_of: FxHashMap::default(),
            sides: FxHashMap::default(),
        }
    }

    /// Whether there is nothing of a runbook in the project.
    pub(crate) fn is_empty(&self) -> bool {
        self.bundles.is_empty() && self.files.is_empty()
    }

    pub fn module(&self, file: FileId) -> Option<&'p Module> {
        self.project.module(file)
    }

    pub fn index(&self, file: FileId) -> Option<&'p Index<'p>> {
        self.project.module(file).map(Module::index)
    }

    /// The source text of a node.
    pub fn slice(&self, file: FileId, span: Span) -> &'p str {
        self.project
            .text(file)
            .map_or("", |source| source.slice(span))
    }

    /// The bundle the file belongs to.
    pub fn bundle_of(&self, file: FileId) -> Option<usize> {
        self.bundles
            .iter()
            .position(|bundle| bundle.files.binary_search(&file).is_ok())
    }

    /// The calls in one function, in the order of evaluation. Nested functions are not part of it.
    pub fn calls_in(&self, file: FileId, function: FunctionIx) -> &[CallSite<'p>] {
        match self.calls_of.get(&(file, function)) {
            Some(&(start, end)) => &self.calls[start..end],
            None => &[],
        }
    }

    fn call_range(&self, file: FileId, function: FunctionIx) -> std::ops::Range<usize> {
        match self.calls_of.get(&(file, function)) {
            Some(&(start, end)) => start..end,
            None => 0..0,
        }
    }

    /// The calls made by the code of a runbook class, its nested functions included.
    pub fn calls_of_runbook(&self, runbook: usize) -> impl Iterator<Item = &CallSite<'p>> {
        self.calls
            .iter()
            .filter(move |site| site.runbook == Some(runbook))
    }

    pub fn activity(&self, target: &Resolved) -> Option<&Activity<'p>> {
        match target {
            Resolved::Function { file, ix } => self
                .activities
                .iter()
                .find(|it| it.file == *file && it.ix == *ix),
            _ => None,
        }
    }

    pub fn side(&self, file: FileId, function: FunctionIx) -> Side {
        if function == MODULE_BODY {
            return Side::Import;
        }
        let side = self.sides.get(&(file, function));
        side.copied().unwrap_or(Side::Unknown)
    }

    /// Where the keyword `def` of a function stands.
    pub fn def_keyword(&self, file: FileId, node: &ast::StmtFunctionDef) -> Option<Span> {
        let text = &self.project.text(file)?.text;
        let before = text.get(..span_of(&node.name).start as usize)?.trim_end();
        let end = before.len() as u32;
        before.ends_with("def").then(|| Span::new(end - 3, end))
    }

    /// The white space before the first token of a node that starts a line.
    pub fn indent(&self, file: FileId, at: u32) -> &'p str {
        let Some(source) = self.project.text(file) else {
            return "";
        };
        let before = source.text.get(..at as usize).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = &before[start..];
        if line.trim().is_empty() { line } else { "" }
    }

    /// The module-level name under which the file knows something outside the project.
    pub fn name_for(&self, file: FileId, external: &str) -> Option<&'p str> {
        let meaning = Resolved::External(external.to_owned());
        self.names.names_of(file, &meaning).next()
    }

    /// The runbooks, and the classes with steps that are none.
    pub fn classes(&self) -> impl Iterator<Item = &Runbook<'p>> {
        self.runbooks.iter().chain(&self.mixins)
    }

    /// Whether the file is written against `ntro`: it belongs to the code of a bundle, or defines a
    /// runbook or an activity with the facade.
    pub fn is_runbook_code(&self, file: FileId) -> bool {
        let in_templates = self.bundle_of(file).is_some_and(|bundle| {
            let templates = join(&self.bundles[bundle].directory, "templates");
            let key = self.project.key(file);
            key.starts_with(&format!("{templates}/"))
        });
        let mut classes = self.runbooks.iter().chain(&self.mixins);
        let mut activities = self.activities.iter();
        in_templates
            || classes.any(|it| it.file == file)
            || activities.any(|it| it.file == file && it.mark.sdk == Sdk::Ntro)
    }

    /// The definition of a function of the project.
    pub fn def(&self, function: &Resolved) -> Option<&'p ast::StmtFunctionDef> {
        let Resolved::Function { file, ix } = function else {
            return None;
        };
        match self.index(*file)?.function(*ix).node {
            FunctionNode::Def(def) => Some(def),
            _ => None,
        }
    }
}
