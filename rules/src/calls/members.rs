//! What code looks up on `temporalio.workflow` and on the objects that its functions give.

use std::collections::BTreeSet;

use lint_core::facts::{Callee, FunctionRef};
use lint_core::names::Names;
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

    /// What to do about a name that it does not have; nothing for private ones of the module.
    pub(super) fn cure(self, name: &str) -> Option<Cure> {
        let known = |help: String| Cure {
            help,
            is_known: true,
        };
        match self {
            Self::Module if name.starts_with('_') => None,
            Self::Module => Some(of_module(name).map_or_else(Cure::unknown, known)),
            Self::Info => Some(known(of_info(name))),
            Self::Handle(it) => Some(known(of_handle(it, name))),
        }
    }
}

/// What to do about a name that is missing.
pub(super) struct Cure {
    pub(super) help: String,
    /// Whether the name is one that no version of the SDK has.
    pub(super) is_known: bool,
}

impl Cure {
    fn unknown() -> Self {
        Self {
            help: "look up what it has in the documentation of `temporalio.workflow`".to_owned(),
            is_known: false,
        }
    }
}

/// What to write instead of a name that the module does not have, if that can be told. A name of another
/// module needs its import.
fn of_module(name: &str) -> Option<String> {
    let otherwise = sdk::OTHERWISE.iter();
    if let Some((_, help)) = otherwise.into_iter().find(|(it, _)| it.contains(&name)) {
        return Some((*help).to_owned());
    }
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

fn of_handle(handle: &sdk::Handle, name: &str) -> String {
    match name {
        "query" => {
            "ask in an activity with a client, or let the other workflow send a signal".to_owned()
        }
        "result" => {
            "wait for it in an activity with a client, or start it as a child workflow".to_owned()
        }
        _ => match near(name, handle.members()) {
            Some(member) => format!("write `{member}`"),
            None => format!(
                "look up what it has in the documentation of `temporalio.workflow.{}`",
                handle.name
            ),
        },
    }
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
        .or_else(|| near(name, sdk::TEMPORAL_INFO.iter().copied()));
    match meant {
        Some(member) => format!("write `workflow.info().{member}`"),
        None => "look up its fields in the documentation of `temporalio.workflow.Info`".to_owned(),
    }
}

/// What was meant by a name that the module does not have, if that can be told.
fn meant(name: &str) -> Option<String> {
    if name == "wait_for" {
        return Some("workflow.wait_condition` for a predicate, or `asyncio.wait_for".to_owned());
    }
    let elsewhere = sdk::NAMES_FROM_ELSEWHERE.iter();
    if let Some((_, meant)) = elsewhere.into_iter().find(|(it, _)| *it == name) {
        return Some((*meant).to_owned());
    }
    let others = sdk::NAMES_OF_OTHERS.iter();
    if let Some((module, _)) = others.into_iter().find(|(_, names)| names.contains(&name)) {
        return Some(format!("{module}.{name}"));
    }
    let field = name.strip_prefix("get_").unwrap_or(name);
    if sdk::TEMPORAL_INFO.contains(&field) {
        return Some(format!("workflow.info().{field}"));
    }
    let functions = sdk::TEMPORAL_WORKFLOW.iter().copied();
    let functions = functions.filter(|it| !sdk::DECORATORS.contains(it) && starts_alike(it, name));
    near(name, functions).map(|member| format!("workflow.{member}"))
}

/// Whether both are names of classes, or neither is.
fn starts_alike(one: &str, other: &str) -> bool {
    let is_class = |it: &str| it.starts_with(|first: char| first.is_ascii_uppercase());
    is_class(one) == is_class(other)
}

/// The name that a slip of the pen, or the spelling of other languages, makes another one.
fn near<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const MOST: usize = 2;
    const LETTERS_FOR_A_SLIP: usize = 4;
    let most = MOST.min(name.len() / LETTERS_FOR_A_SLIP);
    let plain = |it: &str| it.replace('_', "").to_lowercase();
    let word = plain(name);
    let distances = candidates
        .into_iter()
        .map(|it| (strsim::osa_distance(&word, &plain(it)), it));
    let nearest = distances.min_by_key(|(distance, _)| *distance)?;
    (nearest.0 <= most).then_some(nearest.1)
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
            // A private class of the module resolves to the module, which is its public home.
            Expr::Name(ast::ExprName { id: name, .. })
            | Expr::Attribute(ast::ExprAttribute {
                attr: ast::Identifier { id: name, .. },
                ..
            }) if name.starts_with('_') => None,
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
