//! What code looks up on `temporalio.workflow` and on the objects that its functions give.

use std::collections::BTreeSet;

use lint_core::facts::{Callee, FunctionRef};
use lint_core::names::Names;
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, Expr, Stmt};

use crate::program::{Node, Program};
use crate::sdk;

/// What an attribute is looked up on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Module,
    Info,
    /// A handle of an activity or of another workflow.
    Handle(&'static sdk::Handle),
}

impl Owner {
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Module => "temporalio.workflow",
            Self::Info => "workflow.info()",
            Self::Handle(it) => it.name,
        }
    }

    pub(super) fn full(self) -> String {
        match self {
            Self::Module => "temporalio.workflow".to_owned(),
            Self::Info => "temporalio.workflow.Info".to_owned(),
            Self::Handle(it) => format!("temporalio.workflow.{}", it.name),
        }
    }

    pub(super) fn has(self, name: &str) -> bool {
        match self {
            Self::Module => sdk::TEMPORAL_WORKFLOW.contains(&name),
            Self::Info => sdk::TEMPORAL_INFO.contains(&name) || name.starts_with('_'),
            Self::Handle(it) => it.has(name) || name.starts_with('_'),
        }
    }

    /// What to write instead of a name that it does not have, if that can be told.
    pub(super) fn help(self, name: &str) -> Option<String> {
        match self {
            Self::Module => of_module(name),
            Self::Info => Some(of_info(name)),
            Self::Handle(it) => Some(match name {
                "query" => {
                    "ask in an activity with a client, or let the other workflow send a signal"
                        .to_owned()
                }
                "result" => {
                    "wait for it in an activity with a client, or start it as a child workflow"
                        .to_owned()
                }
                _ => match closest(name, it.members()) {
                    Some(member) => format!("write `{member}`"),
                    None => format!(
                        "look up what it has in the documentation of `temporalio.workflow.{}`",
                        it.name
                    ),
                },
            }),
        }
    }
}

/// What to write instead of a name that the module does not have. A name of another module needs its
/// import.
fn of_module(name: &str) -> Option<String> {
    let meant = meant(name)?;
    if meant == "workflow.wait_condition" {
        return Some(
            "write `workflow.wait_condition(lambda: …)`, with what is waited for".to_owned(),
        );
    }
    let home = meant.rsplit_once('.').filter(|(home, _)| {
        let is_one = !meant.contains('`');
        is_one && (home.starts_with("temporalio.") || *home == "datetime")
    });
    Some(match home {
        Some((home, name)) => format!("import `{name}` from `{home}` and write `{name}`"),
        None => format!("write `{meant}`"),
    })
}

/// What was meant by a name that `workflow.info()` does not have.
fn of_info(name: &str) -> String {
    if name.contains("signal") {
        return "set an attribute in the `@workflow.signal` handler, and wait for that".to_owned();
    }
    if let Some(rest) = name.strip_prefix("parent_") {
        return format!("write `workflow.info().parent.{rest}`, where there is a parent");
    }
    let known = |it: &str| {
        sdk::TEMPORAL_INFO
            .iter()
            .copied()
            .find(|known| *known == it)
    };
    let renamed = match name {
        "name" | "workflow_name" | "type" => known("workflow_type"),
        _ => None,
    };
    let meant = renamed
        .or_else(|| known(name.strip_prefix("workflow_")?))
        .or_else(|| known(&format!("workflow_{name}")))
        .or_else(|| closest(name, sdk::TEMPORAL_INFO.iter().copied()));
    match meant {
        Some(member) => format!("write `workflow.info().{member}`"),
        None => "look up its fields in the documentation of `temporalio.workflow.Info`".to_owned(),
    }
}

/// What was meant by a name that the module does not have, if that can be told.
fn meant(name: &str) -> Option<String> {
    if name.starts_with('_') {
        return None;
    }
    if name == "wait_for" {
        return Some("workflow.wait_condition` for a predicate, or `asyncio.wait_for".to_owned());
    }
    let elsewhere = sdk::NAMES_FROM_ELSEWHERE.iter();
    if let Some((_, meant)) = elsewhere.into_iter().find(|(it, _)| *it == name) {
        return Some((*meant).to_owned());
    }
    let home = sdk::NAMES_OF_OTHERS
        .iter()
        .find(|(_, names)| names.contains(&name));
    home.map(|(module, _)| format!("{module}.{name}"))
        .or_else(|| {
            let member = closest(name, sdk::TEMPORAL_WORKFLOW.iter().copied())?;
            Some(format!("workflow.{member}"))
        })
}

/// Tells what attributes of a function are looked up on.
pub(super) struct Owners<'n, 'm> {
    names: &'n Names<'m>,
    function: FunctionRef,
    /// The variables that are set once, to what `info()` gives.
    infos: BTreeSet<&'n str>,
}

impl<'n, 'm> Owners<'n, 'm> {
    pub(super) fn of(names: &'n Names<'m>, function: FunctionRef, nodes: &[Node<'n>]) -> Self {
        let mut owners = Self {
            names,
            function,
            infos: BTreeSet::new(),
        };
        let set = nodes.iter().filter_map(|node| match node {
            Node::Stmt(Stmt::Assign(it)) if owners.is_info(&it.value) => match &it.targets[..] {
                [Expr::Name(it)] => Some(it.id.as_str()),
                _ => None,
            },
            _ => None,
        });
        let set: BTreeSet<&str> = set.collect();
        if !set.is_empty() {
            let writes = |name: &str| {
                let is_write = |node: &&Node<'_>| matches!(node, Node::Expr(Expr::Name(it)) if it.ctx.is_store() && it.id.as_str() == name);
                nodes.iter().filter(is_write).count()
            };
            owners.infos = set.into_iter().filter(|it| writes(it) == 1).collect();
        }
        owners
    }

    fn is(&self, value: &Expr, name: &str) -> bool {
        self.external(value).as_deref() == Some(name)
    }

    fn external(&self, value: &Expr) -> Option<String> {
        let FunctionRef { file, ix } = self.function;
        let resolved = self.names.resolve(file, ix, value)?;
        resolved.external().map(str::to_owned)
    }

    fn is_info(&self, value: &Expr) -> bool {
        matches!(value, Expr::Call(call) if self.is(&call.func, "temporalio.workflow.info"))
    }

    pub(super) fn owner(&self, value: &Expr) -> Option<Owner> {
        match value {
            Expr::Call(_) => self.is_info(value).then_some(Owner::Info),
            Expr::Name(it) if self.infos.contains(it.id.as_str()) => Some(Owner::Info),
            value => self
                .is(value, "temporalio.workflow")
                .then_some(Owner::Module),
        }
    }

    pub(super) fn is_of_info(&self, value: &Expr) -> bool {
        matches!(value, Expr::Attribute(it) if self.owner(&it.value) == Some(Owner::Info))
    }

    /// Whether an expression is a function of the SDK that answers a question when it is called.
    pub(super) fn is_answering(&self, value: &Expr) -> bool {
        if let Expr::Attribute(it) = value
            && self.owner(&it.value) == Some(Owner::Info)
        {
            return sdk::ANSWERS_OF_INFO.contains(&it.attr.as_str());
        }
        self.external(value)
            .is_some_and(|it| sdk::ANSWERS.contains(&it.as_str()))
    }
}

/// The handle that a method is called on, unless that may be an object of the project.
pub(super) fn handle_of(
    program: Program<'_, '_>,
    function: FunctionRef,
    call: &ast::ExprCall,
) -> Option<Owner> {
    let name = call.func.as_attribute_expr()?.attr.as_str();
    let kind = program.externals(function.file, call).find_map(|it| {
        let (owner, member) = it.strip_prefix("temporalio.workflow.")?.split_once('.')?;
        let kind = sdk::HANDLES.iter().find(|it| it.name == owner);
        // What a method gives has members of its own.
        kind.filter(|_| member == name)
    })?;
    let callees = program.callees(function.file, call);
    let is_external = |it: &Callee| matches!(it, Callee::External(_));
    callees
        .iter()
        .all(is_external)
        .then_some(Owner::Handle(kind))
}
