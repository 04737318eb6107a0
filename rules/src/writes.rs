//! Where the state of a workflow is written, by class and attribute.

use std::collections::BTreeSet;

use lint_core::facts::{Callee, ClassRef, FunctionRef};
use lint_core::syntax::ast::{self, Expr, Stmt};

use crate::program::{Node, Program, Running, own_nodes};

/// An attribute of the instances of a class of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attribute<'p> {
    pub(crate) owner: ClassRef,
    pub(crate) name: &'p str,
}

impl Attribute<'_> {
    /// The same attribute, whichever class of the workflow a method of it stands in.
    pub(crate) fn within(self, running: Running<'_>) -> Self {
        let bases = &running.reach.bases;
        let owner = match bases.first() {
            Some(first) if bases.contains(&self.owner) => *first,
            _ => self.owner,
        };
        Self { owner, ..self }
    }
}

/// One place that changes an attribute or what it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write<'p> {
    pub(crate) attribute: Attribute<'p>,
    pub(crate) node: &'p ast::ExprAttribute,
    /// Whether the attribute itself is bound, not something in what it holds.
    pub(crate) binds: bool,
    /// How it changes what the attribute holds, if that is a container.
    pub(crate) how: Option<Resize>,
}

/// Methods of the containers of Python that put something into them.
const PUTTERS: &[&str] = &[
    "add",
    "append",
    "appendleft",
    "extend",
    "extendleft",
    "insert",
    "put_nowait",
    "setdefault",
    "update",
];

/// And those that take something out of them.
const TAKERS: &[&str] = &["clear", "discard", "pop", "popitem", "popleft", "remove"];

/// The writes in the code of a function, in the order of the text.
pub(crate) fn in_function<'p>(program: Program<'_, 'p>, function: FunctionRef) -> Vec<Write<'p>> {
    own_nodes(program.function(function))
        .flat_map(|node| by_node(program, function, node))
        .collect()
}

/// The attributes through which a write of a function goes into what they hold: `self.state` in
/// `self.state.rows.append(row)`.
pub(crate) fn through<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    write: Write<'p>,
) -> impl Iterator<Item = Attribute<'p>> {
    let objects = std::iter::successors(Some(&*write.node.value), |it| match it {
        Expr::Attribute(it) => Some(&*it.value),
        Expr::Subscript(it) => Some(&*it.value),
        _ => None,
    });
    objects.flat_map(move |it| {
        let attribute = it.as_attribute_expr();
        let owners = attribute.map_or(&[][..], |it| program.owners(function.file, it));
        owners.iter().filter_map(move |&owner| {
            let name = attribute?.attr.as_str();
            Some(Attribute { owner, name })
        })
    })
}

/// The writes of one node of a function.
pub(crate) fn by_node<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    node: Node<'p>,
) -> impl Iterator<Item = Write<'p>> {
    let mut found = Vec::new();
    for (target, binds) in written(node) {
        add(program, function, target, binds, &mut found);
    }
    if let Some((container, how)) = resized(node) {
        let of_container = found
            .iter_mut()
            .filter(|it| std::ptr::eq(it.node, container));
        of_container.for_each(|it| it.how = Some(how));
    }
    found.into_iter()
}

/// How a node changes what an attribute holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resize {
    Puts,
    /// It sets an element, which may have been there.
    Sets,
    Takes,
    /// It takes from the end, so that what stands before stays where it is.
    Cuts,
    Clears,
}

impl Resize {
    pub(crate) fn takes(self) -> bool {
        matches!(self, Self::Takes | Self::Cuts | Self::Clears)
    }
}

/// The attribute that holds something else after a node than before, but is not bound by it.
fn resized(node: Node<'_>) -> Option<(&ast::ExprAttribute, Resize)> {
    fn element(target: &Expr) -> Option<&ast::ExprAttribute> {
        target.as_subscript_expr()?.value.as_attribute_expr()
    }
    match node {
        Node::Stmt(Stmt::Assign(it)) => {
            let set = it.targets.iter().find_map(element)?;
            Some((set, Resize::Sets))
        }
        Node::Stmt(Stmt::Delete(it)) => {
            let taken = it.targets.iter().find(|it| element(it).is_some())?;
            let how = match &*taken.as_subscript_expr()?.slice {
                Expr::Slice(it) if it.upper.is_none() => match it.lower {
                    Some(_) => Resize::Cuts,
                    None => Resize::Clears,
                },
                _ => Resize::Takes,
            };
            Some((element(taken)?, how))
        }
        Node::Expr(Expr::Call(call)) => {
            let method = call.func.as_attribute_expr()?;
            let object = method.value.as_attribute_expr()?;
            let how = match method.attr.as_str() {
                "setdefault" | "update" => Resize::Sets,
                "clear" => Resize::Clears,
                "pop" if call.arguments.is_empty() => Resize::Cuts,
                it if PUTTERS.contains(&it) => Resize::Puts,
                it if TAKERS.contains(&it) => Resize::Takes,
                _ => return None,
            };
            Some((object, how))
        }
        _ => None,
    }
}

/// Whether the function may set attributes whose names are not written out.
pub(crate) fn reflects(program: Program<'_, '_>, function: FunctionRef) -> bool {
    own_nodes(program.function(function)).any(|node| match node {
        Node::Expr(Expr::Name(it)) => matches!(it.id.as_str(), "setattr" | "vars"),
        Node::Expr(Expr::Attribute(it)) => it.attr.as_str() == "__dict__",
        _ => false,
    })
}

/// The expressions that a node binds, those within tuples apart.
pub(crate) fn targets(node: Node<'_>) -> Vec<&Expr> {
    let written = written(node).into_iter();
    let bound = written.filter(|(_, binds)| *binds);
    bound.flat_map(|(target, _)| unpacked(target)).collect()
}

fn unpacked(target: &Expr) -> Vec<&Expr> {
    match target {
        Expr::Starred(it) => unpacked(&it.value),
        Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
            elts.iter().flat_map(unpacked).collect()
        }
        other => vec![other],
    }
}

/// The expressions that a node writes to.
fn written(node: Node<'_>) -> Vec<(&Expr, bool)> {
    match node {
        Node::Stmt(Stmt::Assign(it)) => it.targets.iter().map(|it| (it, true)).collect(),
        Node::Stmt(Stmt::AugAssign(it)) => vec![(&it.target, true)],
        Node::Stmt(Stmt::AnnAssign(it)) if it.value.is_some() => vec![(&it.target, true)],
        Node::Stmt(Stmt::Delete(it)) => it.targets.iter().map(|it| (it, false)).collect(),
        Node::Stmt(Stmt::For(it)) => vec![(&it.target, true)],
        Node::Stmt(Stmt::With(it)) => {
            let vars = it.items.iter().filter_map(|it| it.optional_vars.as_deref());
            vars.map(|it| (it, true)).collect()
        }
        Node::Expr(Expr::Call(call)) => match &*call.func {
            Expr::Attribute(method) => {
                let name = method.attr.as_str();
                let changes = PUTTERS.contains(&name) || TAKERS.contains(&name);
                changes
                    .then_some((&*method.value, false))
                    .into_iter()
                    .collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn add<'p>(
    program: Program<'_, 'p>,
    function: FunctionRef,
    target: &'p Expr,
    binds: bool,
    found: &mut Vec<Write<'p>>,
) {
    match target {
        Expr::Attribute(node) => {
            for &owner in program.owners(function.file, node) {
                let name = node.attr.as_str();
                found.push(Write {
                    attribute: Attribute { owner, name },
                    node,
                    binds,
                    how: None,
                });
            }
        }
        Expr::Subscript(it) => add(program, function, &it.value, false, found),
        Expr::Starred(it) => add(program, function, &it.value, binds, found),
        Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
            for element in elts {
                add(program, function, element, binds, found);
            }
        }
        _ => {}
    }
}

/// The classes whose instances hold the state of a run: the workflow class, and those of which it
/// keeps an instance in an attribute.
pub(crate) fn state_classes(program: Program<'_, '_>, running: Running<'_>) -> BTreeSet<ClassRef> {
    let mut classes: BTreeSet<ClassRef> = running.reach.bases.iter().copied().collect();
    let functions = running.runs_of(|_| true);
    loop {
        let before = classes.len();
        for &function in &functions {
            for node in own_nodes(program.function(function)) {
                let (targets, value) = match node {
                    Node::Stmt(Stmt::Assign(it)) => (&it.targets[..], &*it.value),
                    Node::Stmt(Stmt::AnnAssign(it)) => match it.value.as_deref() {
                        Some(value) => (std::slice::from_ref(&*it.target), value),
                        None => continue,
                    },
                    _ => continue,
                };
                let is_kept = targets.iter().any(|target| match target {
                    Expr::Attribute(it) => {
                        let owners = program.owners(function.file, it);
                        owners.iter().any(|owner| classes.contains(owner))
                    }
                    _ => false,
                });
                if let (true, Expr::Call(call)) = (is_kept, value) {
                    classes.extend(program.callees(function.file, call).iter().filter_map(
                        |callee| match callee {
                            Callee::Class(class) => Some(*class),
                            _ => None,
                        },
                    ));
                }
            }
        }
        if classes.len() == before {
            return classes;
        }
    }
}
