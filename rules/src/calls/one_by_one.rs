//! Coroutines that are made first and awaited one after the other: each starts when it is awaited, so that
//! what looks as if it ran side by side does not.

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use crate::model::{CallSite, Usage};
use crate::program::{Node, Program, nodes_of, own_nodes};

/// What is awaited before a call that was made earlier may start.
pub(super) enum Before<'p> {
    /// What another variable holds.
    Other(&'p str),
    /// The other elements of its list.
    Elements,
}

/// Whether a call that is kept for later has to wait for another one that is kept beside it.
pub(super) fn waits_for<'p>(
    program: Program<'_, 'p>,
    pending: &[&CallSite<'p>],
    site: &CallSite<'p>,
) -> Option<Before<'p>> {
    let kept = Kept::of(program, site)?;
    if site.in_comprehension {
        let is_all = kept.nodes.iter().any(|node| kept.awaits_each(*node));
        return is_all.then_some(Before::Elements);
    }
    let own = kept.awaited()?;
    let beside = pending
        .iter()
        .filter(|it| (it.file, it.function) == (site.file, site.function) && !it.in_comprehension);
    let mut beside = beside.filter_map(|it| Kept::of(program, it));
    let made = |it: &Kept<'p>| span_of(it.call).start;
    beside.find_map(|other| {
        let awaited = other.awaited()?;
        let waits =
            made(&other) < made(&kept) && made(&kept) < awaited.start && awaited.start < own.start;
        waits.then_some(Before::Other(other.name))
    })
}

/// A call whose coroutine is put into a variable that is read once.
struct Kept<'p> {
    name: &'p str,
    call: &'p ast::ExprCall,
    nodes: Vec<Node<'p>>,
}

impl<'p> Kept<'p> {
    fn of(program: Program<'_, 'p>, site: &CallSite<'p>) -> Option<Self> {
        let Usage::Assigned(Expr::Name(name)) = site.usage else {
            return None;
        };
        let function = FunctionRef {
            file: site.file,
            ix: site.function,
        };
        let is_plain = site.collected == site.in_comprehension && !site.in_loop && !site.in_branch;
        let nodes: Vec<Node<'p>> = own_nodes(program.function(function)).collect();
        let mentions = nodes.iter().filter(|node| is_name(node, name.id.as_str()));
        // Once it is set, and once it is read.
        (is_plain && mentions.count() == 2).then_some(Self {
            name: name.id.as_str(),
            call: site.call,
            nodes,
        })
    }

    /// Where the variable is awaited.
    fn awaited(&self) -> Option<Span> {
        self.nodes.iter().find_map(|node| match node {
            Node::Expr(Expr::Await(it)) => {
                let value = Node::Expr(&it.value);
                is_name(&value, self.name).then(|| span_of(it))
            }
            _ => None,
        })
    }

    /// Whether a loop or a comprehension awaits one element of the variable after the other.
    fn awaits_each(&self, node: Node<'p>) -> bool {
        let (target, iterated, awaiting) = match node {
            Node::Stmt(Stmt::For(it)) if !it.is_async => {
                (&*it.target, &*it.iter, nodes_of(&it.body))
            }
            Node::Expr(Expr::ListComp(it)) => match &it.generators[..] {
                [only] => (&only.target, &only.iter, vec![Node::Expr(&it.elt)]),
                _ => return false,
            },
            _ => return false,
        };
        let Expr::Name(target) = target else {
            return false;
        };
        is_name(&Node::Expr(iterated), self.name)
            && awaiting.iter().any(|node| match node {
                Node::Expr(Expr::Await(it)) => is_name(&Node::Expr(&it.value), target.id.as_str()),
                _ => false,
            })
    }
}

fn is_name(node: &Node<'_>, name: &str) -> bool {
    matches!(node, Node::Expr(Expr::Name(it)) if it.id.as_str() == name)
}
