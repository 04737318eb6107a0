//! What the model consists of.

use lint_core::diagnostic::{FileId, Place, Span};
use lint_core::index::{ClassIx, FunctionIx};
use lint_core::knowledge::Role;
use lint_core::names::{Base, Resolved};
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

/// A directory with a `runbook.md` or a `templates/workflow.py`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Relative to the project root; `""` is the root.
    pub directory: String,
    /// The name of the directory, empty for the root. `runbook.md` may say otherwise.
    pub slug: String,
    pub manifest: Option<FileId>,
    pub workflow: Option<FileId>,
    pub activities: Option<FileId>,
    pub models: Option<FileId>,
    /// All known files below the directory, of any kind, that belong to no deeper bundle; sorted.
    pub files: Vec<FileId>,
}

/// A class that is written as a runbook.
#[derive(Debug)]
pub struct Runbook<'p> {
    pub file: FileId,
    pub class: ClassIx,
    pub node: &'p ast::StmtClassDef,
    /// The name in the `class` statement.
    pub name: &'p str,
    /// `package.module.Class`, as in [`lint_core::facts::Workflow::name`].
    pub full_name: String,
    /// Index into [`Contract::bundles`].
    pub bundle: Option<usize>,
    /// Its decorators that are known.
    pub marks: Vec<Mark<'p>>,
    /// The class and its bases in the order of look-up.
    pub bases: Vec<Base>,
    pub derives: Derives,
    /// Whether another class of the project derives from it.
    pub is_base: bool,
    /// The methods in its own body, in order.
    pub methods: Vec<Method<'p>>,
    /// The steps in its own body, in order of declaration.
    pub steps: Vec<Step<'p>>,
    /// The signal, query and update handlers in its own body, in order.
    pub handlers: Vec<Handler>,
    /// The calls of steps that `run` makes, directly or through helpers, in the order of the text.
    pub order: Vec<StepCall>,
}

/// Whether a class inherits from `NtroWorkflow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Derives {
    Yes,
    No,
    /// A base is not known.
    Perhaps,
}

/// A known decorator.
#[derive(Debug, Clone)]
pub struct Mark<'p> {
    pub role: Role,
    pub sdk: Sdk,
    /// The canonical name, `ntro.workflow.runbook.step`.
    pub name: String,
    pub node: &'p ast::Decorator,
    /// The call, unless the decorator is bare.
    pub call: Option<&'p ast::ExprCall>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sdk {
    Ntro,
    Temporal,
    /// `workflow.run` where nothing binds `workflow`: a leftover.
    Unbound,
}

#[derive(Debug)]
pub struct Method<'p> {
    pub ix: FunctionIx,
    pub node: &'p ast::StmtFunctionDef,
    pub name: &'p str,
    pub marks: Vec<Mark<'p>>,
}

impl<'p> Runbook<'p> {
    pub fn mark(&self, role: Role) -> Option<&Mark<'p>> {
        self.marks.iter().find(|mark| mark.role == role)
    }

    /// The decorator that makes it a workflow.
    pub fn defn(&self) -> Option<&Mark<'p>> {
        self.mark(Role::WorkflowClass)
    }

    pub fn name_span(&self) -> Span {
        span_of(&self.node.name)
    }

    pub fn method(&self, name: &str) -> Option<&Method<'p>> {
        self.methods.iter().rev().find(|method| method.name == name)
    }

    /// Whether the base is this class.
    pub fn is_named_by(&self, base: &Base) -> bool {
        matches!(base, Base::Class { file, ix } if (*file, *ix) == (self.file, self.class))
    }

    /// The method of a step.
    pub fn method_of(&self, step: &Step<'p>) -> &Method<'p> {
        &self.methods[step.method]
    }
}

impl<'p> Mark<'p> {
    /// The decorator as it is written, without its arguments.
    pub fn callee(&self) -> &'p Expr {
        match self.call {
            Some(call) => &call.func,
            None => &self.node.expression,
        }
    }

    /// The last segment of its name, `step`.
    pub fn member(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

impl<'p> Method<'p> {
    pub fn mark(&self, role: Role) -> Option<&Mark<'p>> {
        self.marks.iter().find(|mark| mark.role == role)
    }

    pub fn name_span(&self) -> Span {
        span_of(&self.node.name)
    }
}

#[derive(Debug)]
pub struct Step<'p> {
    /// Index into [`Runbook::methods`].
    pub method: usize,
    pub ix: FunctionIx,
    pub node: &'p ast::StmtFunctionDef,
    pub mark: Mark<'p>,
    /// Whether the decorator is the deprecated `ui_step`.
    pub is_ui_step: bool,
    pub name: Option<Argument<'p>>,
    pub title: Option<Argument<'p>>,
    pub icon: Option<Argument<'p>>,
    pub config: Option<Argument<'p>>,
    /// Arguments by position, of which there should be none.
    pub positional: Vec<&'p Expr>,
    /// Keywords that a step does not take.
    pub unknown: Vec<&'p ast::Keyword>,
    /// Whether arguments come from `**mapping` or `*sequence`, so that any may be given.
    pub unpacks: bool,
}

impl Step<'_> {
    /// The name if it is known and not blank.
    pub fn id(&self) -> Option<&str> {
        let name = self.name.as_ref()?.text.as_deref()?;
        (!name.trim().is_empty()).then_some(name)
    }

    /// How to call it in a message: its id, or else the name of the method.
    pub fn label(&self) -> &str {
        self.id().unwrap_or(self.node.name.as_str())
    }
}

/// An argument of a decorator.
#[derive(Debug, Clone)]
pub struct Argument<'p> {
    pub keyword: &'p ast::Keyword,
    pub value: &'p Expr,
    /// Its text if it is a string literal or a constant.
    pub text: Option<String>,
}

impl Argument<'_> {
    pub fn is_none(&self) -> bool {
        self.value.is_none_literal_expr()
    }
}

#[derive(Debug, Clone)]
pub struct Handler {
    pub role: Role,
    /// Index into [`Runbook::methods`].
    pub method: usize,
    /// The name under which it is registered, if it is known.
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCall {
    /// Index into [`Runbook::steps`].
    pub step: usize,
    /// Index into [`Contract::calls`].
    pub call: usize,
    /// The calls of helpers that lead there from `run`, as indices into [`Contract::calls`].
    pub through: Vec<usize>,
}

#[derive(Debug)]
pub struct Activity<'p> {
    pub file: FileId,
    pub ix: FunctionIx,
    pub node: &'p ast::StmtFunctionDef,
    pub name: &'p str,
    pub mark: Mark<'p>,
    /// The name under which it is registered, if it is known.
    pub registered: Option<String>,
    /// Index into [`Contract::bundles`].
    pub bundle: Option<usize>,
    /// The bundle's `templates/activities.py` has it as an attribute, so workers register it.
    pub is_exported: bool,
}

/// A call in the code of a bundle.
#[derive(Debug)]
pub struct CallSite<'p> {
    pub file: FileId,
    pub function: FunctionIx,
    /// Index into [`Contract::runbooks`] if the code is in such a class, also in its lambdas.
    pub runbook: Option<usize>,
    pub call: &'p ast::ExprCall,
    pub callee: Option<Resolved>,
    /// Whether `await` stands before it.
    pub awaited: bool,
    pub usage: Usage<'p>,
    /// Whether it is an element of a list, a tuple or a comprehension to which `usage` applies.
    pub collected: bool,
    pub in_loop: bool,
    pub in_comprehension: bool,
    /// Whether it is in a branch, an exception handler or an operand that may not be evaluated.
    pub in_branch: bool,
}

/// What becomes of the value of a call (of the awaited value, if it is awaited).
#[derive(Debug, Clone, PartialEq)]
pub enum Usage<'p> {
    /// It is a statement of its own.
    Discarded,
    /// It is assigned to this target.
    Assigned(&'p Expr),
    Returned,
    /// It is put into this list, set or queue.
    Kept(&'p Expr),
    /// It is an argument of a call of this.
    Argument(Option<Resolved>),
    Other,
}

impl CallSite<'_> {
    pub fn place(&self) -> Place {
        Place {
            file: self.file,
            span: span_of(self.call),
        }
    }

    /// The dotted name of what is called, if that is outside the project.
    pub fn external(&self) -> Option<&str> {
        self.callee.as_ref()?.external()
    }

    /// The name of the method of `NtroWorkflow` that is called.
    pub fn base_method(&self) -> Option<&str> {
        let name = self.external()?;
        name.strip_prefix("ntro.workflow.NtroWorkflow.")
    }

    /// The member of the `runbook` facade that is called, or of temporalio's `workflow` module.
    pub fn workflow_api(&self) -> Option<&str> {
        let name = self.external()?;
        let member = name
            .strip_prefix("ntro.workflow.runbook.")
            .or_else(|| name.strip_prefix("temporalio.workflow."))?;
        (!member.contains('.')).then_some(member)
    }
}

/// Where the code of a function runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In a workflow, or in a function that only workflows call.
    Workflow,
    /// In an activity, or in a function that only activities call.
    Activity,
    Both,
    /// At import.
    Import,
    Unknown,
}
