//! Finds the classes, their steps and handlers, and the activities.

use std::collections::BTreeSet;

use lint_core::diagnostic::FileId;
use lint_core::facts::Facts;
use lint_core::index::{ClassIx, FunctionIx, FunctionNode, Index, MODULE_BODY};
use lint_core::knowledge::Role;
use lint_core::names::{Base, Bound, Resolved};
use lint_core::syntax::ast::{self, Expr, Stmt};

use super::Contract;
use super::types::{Activity, Argument, Derives, Handler, Mark, Method, Runbook, Sdk, Step};

impl<'p> Contract<'p> {
    /// The decorators of a definition in this place that are known.
    fn marks(
        &self,
        facts: &Facts<'_>,
        file: FileId,
        scope: Result<FunctionIx, ClassIx>,
        decorators: &'p [ast::Decorator],
    ) -> Vec<Mark<'p>> {
        let mark = |node: &'p ast::Decorator| {
            let (callee, call) = match &node.expression {
                Expr::Call(call) => (&*call.func, Some(call)),
                other => (other, None),
            };
            let resolved = match scope {
                Ok(function) => self.names.resolve(file, function, callee),
                Err(class) => self.names.resolve_in_class(file, class, callee),
            };
            let Resolved::External(name) = resolved? else {
                return None;
            };
            let name = canonical(&name);
            if let Some(role) = facts.knowledge.role(&name) {
                let sdk = if name.starts_with("temporalio.") {
                    Sdk::Temporal
                } else {
                    Sdk::Ntro
                };
                return Some(Mark {
                    role,
                    sdk,
                    name,
                    node,
                    call,
                });
            }
            let function = scope.unwrap_or(MODULE_BODY);
            let role = leftover_role(&name)?;
            let (root, _) = name.split_once('.')?;
            (self.names.is_bound(file, function, root) == Bound::No).then_some(Mark {
                role,
                sdk: Sdk::Unbound,
                name,
                node,
                call,
            })
        };
        decorators.iter().filter_map(mark).collect()
    }

    pub(super) fn find_classes(&mut self, facts: &Facts<'_>) {
        let mut runbooks = Vec::new();
        let mut mixins = Vec::new();
        let mut used_as_base = BTreeSet::new();
        for &file in &self.files {
            let Some(index) = self.index(file) else {
                continue;
            };
            for (ix, class) in index.classes.iter().enumerate() {
                let ix = ix as ClassIx;
                let bases = self.names.bases(file, ix);
                for base in bases.iter().skip(1) {
                    if let Base::Class { file, ix } = base {
                        used_as_base.insert((*file, *ix));
                    }
                }
                let scope = class.outer.map_or(Ok(class.parent), Err);
                let marks = self.marks(facts, file, scope, &class.node.decorator_list);
                let defn = marks.iter().find(|mark| mark.role == Role::WorkflowClass);
                let derives = derives(facts, &bases);
                let methods = self.methods(facts, file, ix, index);
                let steps = self.steps(file, ix, &methods);
                let is_runbook = match defn.map(|mark| mark.sdk) {
                    Some(Sdk::Ntro) => true,
                    Some(Sdk::Temporal | Sdk::Unbound) => {
                        derives == Derives::Yes || !steps.is_empty()
                    }
                    None => derives == Derives::Yes,
                };
                if !is_runbook && steps.is_empty() {
                    continue;
                }
                let handlers = self.handlers(file, ix, &methods);
                let runbook = Runbook {
                    file,
                    class: ix,
                    node: class.node,
                    name: class.node.name.as_str(),
                    full_name: format!("{}.{}", self.project.module_name(file), class.qualname),
                    bundle: self.bundle_of(file),
                    marks,
                    bases,
                    derives,
                    is_base: false,
                    methods,
                    steps,
                    handlers,
                    order: Vec::new(),
                };
                if is_runbook {
                    runbooks.push(runbook);
                } else {
                    mixins.push(runbook);
                }
            }
        }
        for runbook in runbooks.iter_mut().chain(&mut mixins) {
            runbook.is_base = used_as_base.contains(&(runbook.file, runbook.class));
        }
        self.runbooks = runbooks;
        self.mixins = mixins;
    }

    fn methods(
        &self,
        facts: &Facts<'_>,
        file: FileId,
        class: ClassIx,
        index: &'p Index<'p>,
    ) -> Vec<Method<'p>> {
        let own = index.functions.iter().enumerate();
        own.filter(|(_, function)| function.class == Some(class))
            .filter_map(|(ix, function)| match function.node {
                FunctionNode::Def(node) => Some(Method {
                    ix: ix as FunctionIx,
                    node,
                    name: node.name.as_str(),
                    marks: self.marks(facts, file, Err(class), &node.decorator_list),
                }),
                _ => None,
            })
            .collect()
    }

    fn steps(&self, file: FileId, class: ClassIx, methods: &[Method<'p>]) -> Vec<Step<'p>> {
        let mut steps = Vec::new();
        for (method, it) in methods.iter().enumerate() {
            if let Some(mark) = it.mark(Role::Step) {
                let constant = |value: &Expr| self.names.const_str_in_class(file, class, value);
                steps.push(step(method, it.ix, it.node, mark.clone(), &constant));
            }
        }
        steps
    }

    /// A function outside a class that is decorated as a step.
    pub fn stray_steps(&self, facts: &Facts<'_>) -> Vec<(FileId, Step<'p>)> {
        let mut found = Vec::new();
        for &file in &self.files {
            let Some(index) = self.index(file) else {
                continue;
            };
            for (ix, function) in index.functions.iter().enumerate() {
                let FunctionNode::Def(node) = function.node else {
                    continue;
                };
                if function.class.is_some() {
                    continue;
                }
                let scope = function.parent;
                let marks = self.marks(facts, file, Ok(scope), &node.decorator_list);
                if let Some(mark) = marks.iter().find(|mark| mark.role == Role::Step) {
                    let constant = |value: &Expr| self.names.const_str(file, scope, value);
                    let step = step(0, ix as FunctionIx, node, mark.clone(), &constant);
                    found.push((file, step));
                }
            }
        }
        found
    }

    fn handlers(&self, file: FileId, class: ClassIx, methods: &[Method<'p>]) -> Vec<Handler> {
        let mut handlers = Vec::new();
        for (method, it) in methods.iter().enumerate() {
            for mark in &it.marks {
                if !matches!(mark.role, Role::Signal | Role::Query | Role::Update) {
                    continue;
                }
                let given = mark
                    .call
                    .and_then(|call| call.arguments.find_keyword("name"));
                let unpacks = mark.call.is_some_and(|call| unpacks(&call.arguments));
                let is_dynamic = mark
                    .call
                    .is_some_and(|call| call.arguments.find_keyword("dynamic").is_some());
                let name = match given {
                    Some(keyword) => {
                        let value = &keyword.value;
                        self.names.const_str_in_class(file, class, value)
                    }
                    None if unpacks || is_dynamic => None,
                    None => Some(it.name.to_owned()),
                };
                handlers.push(Handler {
                    role: mark.role,
                    method,
                    name,
                });
            }
        }
        handlers
    }

    pub(super) fn find_activities(&mut self, facts: &Facts<'_>) {
        let mut activities = Vec::new();
        for &file in &self.files {
            let Some(index) = self.index(file) else {
                continue;
            };
            let bundle = self.bundle_of(file);
            for (ix, function) in index.functions.iter().enumerate() {
                let FunctionNode::Def(node) = function.node else {
                    continue;
                };
                let ix = ix as FunctionIx;
                let scope = function.class.map_or(Ok(function.parent), Err);
                let marks = self.marks(facts, file, scope, &node.decorator_list);
                let Some(mark) = marks.into_iter().find(|mark| mark.role == Role::Activity) else {
                    continue;
                };
                let given = mark.call.and_then(|it| it.arguments.find_keyword("name"));
                let unpacks = mark.call.is_some_and(|call| unpacks(&call.arguments));
                let registered = match given {
                    Some(keyword) => match scope {
                        Ok(scope) => self.names.const_str(file, scope, &keyword.value),
                        Err(class) => self.names.const_str_in_class(file, class, &keyword.value),
                    },
                    None if unpacks => None,
                    None => Some(node.name.to_string()),
                };
                activities.push(Activity {
                    file,
                    ix,
                    node,
                    name: node.name.as_str(),
                    mark,
                    registered,
                    bundle,
                    is_exported: self.is_exported(bundle, &Resolved::Function { file, ix }),
                });
            }
        }
        self.activities = activities;
    }

    /// Whether `templates/activities.py` of the bundle has this as an attribute.
    pub fn is_exported(&self, bundle: Option<usize>, target: &Resolved) -> bool {
        let Some(file) = bundle.and_then(|bundle| self.bundles[bundle].activities) else {
            return false;
        };
        if self.names.names_of(file, target).next().is_some() {
            return true;
        }
        // Under its own name through a star import.
        match target {
            Resolved::Function { .. } => self
                .def(target)
                .and_then(|def| self.names.member(file, def.name.as_str()))
                .is_some_and(|member| member == *target),
            Resolved::External(name) => {
                let last = name.rsplit('.').next().unwrap_or(name);
                self.names.member(file, last).as_ref() == Some(target)
            }
            _ => false,
        }
    }
}

fn step<'p>(
    method: usize,
    ix: FunctionIx,
    node: &'p ast::StmtFunctionDef,
    mark: Mark<'p>,
    constant: &dyn Fn(&Expr) -> Option<String>,
) -> Step<'p> {
    let arguments = mark.call.map(|call| &call.arguments);
    let argument = |name: &str| {
        let keyword = arguments?.find_keyword(name)?;
        Some(Argument {
            keyword,
            value: &keyword.value,
            text: constant(&keyword.value),
        })
    };
    let keywords = arguments.map_or(&[][..], |it| &it.keywords[..]).iter();
    let is_unknown = |keyword: &&ast::Keyword| {
        let known = ["name", "title", "icon", "config"];
        let name = keyword.arg.as_ref().map(|arg| arg.as_str());
        name.is_some_and(|name| !known.contains(&name))
    };
    let positional = arguments.map_or(&[][..], |it| &it.args[..]).iter();
    Step {
        method,
        ix,
        node,
        is_ui_step: mark.name.ends_with("ui_step"),
        name: argument("name"),
        title: argument("title"),
        icon: argument("icon"),
        config: argument("config"),
        positional: positional.filter(|it| !it.is_starred_expr()).collect(),
        unknown: keywords.filter(is_unknown).collect(),
        unpacks: arguments.is_some_and(unpacks),
        mark,
    }
}

fn unpacks(arguments: &ast::Arguments) -> bool {
    arguments.keywords.iter().any(|it| it.arg.is_none())
        || arguments.args.iter().any(Expr::is_starred_expr)
}

/// The current name of what moved within the SDK.
pub(super) fn canonical(name: &str) -> String {
    let moved = [
        ("ntro.workflow.decorators.", "ntro.workflow."),
        ("ntro.workflow._facade.", "ntro.workflow."),
        ("ntro.workflow._base.", "ntro.workflow."),
        ("ntro.workflow.base.", "ntro.workflow."),
        ("ntro.workflow.runbook.ui_step", "ntro.workflow.ui_step"),
        (
            "ntro.workflow.runbook.NtroWorkflow",
            "ntro.workflow.NtroWorkflow",
        ),
    ];
    for (old, new) in moved {
        if let Some(rest) = name.strip_prefix(old) {
            return format!("{new}{rest}");
        }
    }
    name.to_owned()
}

/// The role of a decorator whose module is not imported any more.
fn leftover_role(name: &str) -> Option<Role> {
    Some(match name {
        "workflow.defn" | "runbook.defn" => Role::WorkflowClass,
        "workflow.run" | "runbook.run" => Role::Run,
        "workflow.signal" | "runbook.signal" => Role::Signal,
        "workflow.query" | "runbook.query" => Role::Query,
        "runbook.step" | "ui_step" => Role::Step,
        "activity.defn" => Role::Activity,
        _ => return None,
    })
}

fn derives(facts: &Facts<'_>, bases: &[Base]) -> Derives {
    let is_workflow_base = |base: &Base| match base {
        Base::External(name) => facts.knowledge.role(&canonical(name)) == Some(Role::WorkflowBase),
        _ => false,
    };
    let is_known = |base: &Base| match base {
        Base::Class { .. } => true,
        Base::External(name) => {
            let top = name.split('.').next().unwrap_or(name);
            facts.knowledge.is_stdlib(top) || !name.contains('.')
        }
        Base::Unknown => false,
    };
    if bases.iter().any(is_workflow_base) {
        Derives::Yes
    } else if bases.iter().all(is_known) {
        Derives::No
    } else {
        Derives::Perhaps
    }
}

/// The statements of a class body that bind one of its names, for rules about rebinding.
pub fn class_assignments<'p>(
    class: &'p ast::StmtClassDef,
) -> impl Iterator<Item = (&'p str, &'p Expr)> {
    class.body.iter().flat_map(|statement| {
        let (targets, value): (&'p [Expr], Option<&'p Expr>) = match statement {
            Stmt::Assign(assign) => (&assign.targets, Some(&assign.value)),
            Stmt::AnnAssign(assign) => (
                std::slice::from_ref(&*assign.target),
                assign.value.as_deref(),
            ),
            _ => (&[], None),
        };
        targets.iter().filter_map(move |target| match target {
            Expr::Name(name) => Some((name.id.as_str(), value?)),
            _ => None,
        })
    })
}
