//! What structures are made with: the code that is being followed, and what its runs showed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::index::{Function, FunctionIx, MODULE_BODY};
use crate::interp::{ClassId, Code, CtxId, How, Machine, Seen};
use crate::knowledge;
use crate::names::Names;
use crate::place::{FileId, Place, Span};
use crate::syntax::ast::visitor::{Visitor, walk_expr};
use crate::syntax::ast::{self, Expr};
use crate::syntax::span_of;

use super::definitions::Definitions;
use super::structure::{Exit, Node, Wait};

/// A workflow is cut off here; real ones stay far below.
const MAX_NODES: usize = 4_000;
/// The same for the texts of conditions and names.
const MAX_STEPS: usize = 200_000;
/// Definitions are followed this far; what lies beyond is `…`, which is never the same as another.
pub(super) const MAX_DEPTH: usize = 8;

pub(super) struct Builder<'m, 'p> {
    pub(super) machine: &'m mut Machine<'p>,
    pub(super) names: Names<'p>,
    pub(super) issuing: BTreeSet<CtxId>,
    pub(super) runs: FxHashMap<CtxId, Rc<Run<'p>>>,
    /// The bodies of modules and classes, where names are looked up.
    pub(super) modules: BTreeMap<FileId, Rc<Scope<'p>>>,
    pub(super) classes: BTreeMap<ClassId, Rc<Scope<'p>>>,
    /// Digests of what contexts run.
    pub(super) digests: BTreeMap<Vec<CtxId>, String>,
    /// The functions whose outcome is being described, each for another.
    pub(super) asking: Vec<CtxId>,
    /// The contexts whose code is being followed, innermost last.
    pub(super) stack: Vec<Rc<Scope<'p>>>,
    /// The patches that were asked for so far.
    pub(super) asked: BTreeSet<String>,
    /// What they are taken to have answered, while texts are written that depend on that.
    pub(super) assumed: BTreeMap<String, bool>,
    /// Attributes that keep the answer about a patch, by their texts, and its id.
    pub(super) gates: BTreeMap<String, String>,
    /// Where commands are issued, by their labels.
    pub(super) issued: BTreeMap<String, Vec<Place>>,
    /// Whether the interpretation itself was cut short.
    pub(super) is_cut: bool,
    pub(super) nodes: usize,
    pub(super) steps: usize,
    /// How many texts are being written, each for another.
    pub(super) describing: usize,
}

/// What a run of a context showed, by place.
#[derive(Default)]
pub(super) struct Run<'p> {
    pub(super) calls: FxHashMap<Span, Vec<CtxId>>,
    pub(super) enters: FxHashMap<Span, Vec<CtxId>>,
    pub(super) seen: FxHashMap<Span, Vec<Seen>>,
    definitions: Rc<Definitions<'p>>,
}

/// A function in the course of one call.
pub(super) struct Scope<'p> {
    pub(super) ctx: CtxId,
    pub(super) file: FileId,
    pub(super) ix: FunctionIx,
    pub(super) function: &'p Function<'p>,
    /// What the parameters are.
    pub(super) given: BTreeMap<&'p str, Given<'p>>,
    pub(super) definitions: Rc<Definitions<'p>>,
    pub(super) run: Rc<Run<'p>>,
    /// The function around it, where its call was.
    pub(super) outer: Option<Rc<Scope<'p>>>,
    /// What its locals are, as far as that was asked.
    pub(super) texts: RefCell<Texts<'p>>,
}

/// By name, and by the loop in which it is asked for if that makes a difference.
type Texts<'p> = BTreeMap<(&'p str, Option<Span>), String>;

#[derive(Clone)]
pub(super) struct Given<'p> {
    pub(super) text: String,
    /// The string, if it is one that is written out.
    pub(super) constant: Option<String>,
    /// The argument, and where it is written.
    pub(super) argument: Option<(Rc<Scope<'p>>, &'p Expr)>,
}

impl Given<'_> {
    pub(super) fn of_text(text: String) -> Self {
        Self {
            text,
            constant: None,
            argument: None,
        }
    }
}

impl<'p> Builder<'_, 'p> {
    pub(super) fn run(&mut self, ctx: CtxId) -> Rc<Run<'p>> {
        if let Some(run) = self.runs.get(&ctx) {
            return run.clone();
        }
        let mut run = Run::default();
        let outcome = &self.machine.ctx(ctx).outcome;
        for edge in &outcome.edges {
            let calls = match edge.how {
                How::Answer | How::MayFill | How::Factory => continue,
                How::Enter => run.enters.entry(edge.span).or_default(),
                _ => run.calls.entry(edge.span).or_default(),
            };
            if !calls.contains(&edge.callee) {
                calls.push(edge.callee);
            }
        }
        for &(span, seen) in &outcome.seen {
            run.seen.entry(span).or_default().push(seen);
        }
        if let Code::Function(it) = &self.machine.ctx(ctx).code
            && let Some(function) = self.machine.function(it.func)
        {
            run.definitions = Rc::new(Definitions::of(function.node));
        }
        let run = Rc::new(run);
        self.runs.insert(ctx, run.clone());
        run
    }

    pub(super) fn scope(&mut self, ctx: CtxId) -> Option<Scope<'p>> {
        let Code::Function(it) = &self.machine.ctx(ctx).code else {
            return None;
        };
        let (func, closure) = (it.func, it.closure);
        let function = self.machine.function(func)?;
        let run = self.run(ctx);
        let outer = self.stack.iter().rev().find(|it| it.ctx == closure);
        let outer = outer.filter(|_| function.parent != MODULE_BODY).cloned();
        Some(Scope {
            ctx,
            file: func.file,
            ix: func.ix,
            function,
            given: BTreeMap::new(),
            definitions: run.definitions.clone(),
            run,
            outer,
            texts: RefCell::default(),
        })
    }

    /// Where the defaults of a function are evaluated.
    pub(super) fn around(&mut self, scope: &Scope<'p>) -> Option<Rc<Scope<'p>>> {
        match &scope.outer {
            Some(outer) => Some(outer.clone()),
            None => self.module_scope(scope.file),
        }
    }

    /// A string that is written out here or where the parameter was given.
    pub(super) fn constant_string(&self, scope: &Scope<'p>, expr: &Expr) -> Option<String> {
        match expr {
            Expr::StringLiteral(it) => Some(it.value.to_str().to_owned()),
            Expr::Name(name) => scope.given.get(name.id.as_str())?.constant.clone(),
            _ => None,
        }
    }

    pub(super) fn text(&self, scope: &Scope<'p>, span: Span) -> String {
        let source = self.machine.project.source(scope.file);
        source.map_or_else(String::new, |it| it.slice(span).to_owned())
    }

    /// The functions of the project that a call runs.
    pub(super) fn callees(&self, scope: &Scope<'p>, span: Span) -> Vec<CtxId> {
        scope.run.calls.get(&span).cloned().unwrap_or_default()
    }

    pub(super) fn entered(&self, scope: &Scope<'p>, span: Span) -> Vec<CtxId> {
        scope.run.enters.get(&span).cloned().unwrap_or_default()
    }

    pub(super) fn is_issuing(&self, ctx: CtxId) -> bool {
        self.issuing.contains(&ctx)
    }

    /// What a call is of outside the project.
    pub(super) fn external_called(
        &self,
        scope: &Scope<'p>,
        call: &ast::ExprCall,
    ) -> Option<String> {
        let seen = scope.run.seen.get(&span_of(call))?;
        seen.iter().find_map(|seen| match seen {
            Seen::Calls(name) => Some(self.machine.str(*name).to_owned()),
            _ => None,
        })
    }

    /// The command that a call issues.
    pub(super) fn api(
        &self,
        scope: &Scope<'p>,
        call: &ast::ExprCall,
    ) -> Option<&'static knowledge::Command> {
        let seen = scope.run.seen.get(&span_of(call))?;
        seen.iter().find_map(|seen| match seen {
            Seen::Calls(name) => {
                let command = self.machine.knowledge.command(self.machine.str(*name))?;
                command.event.map(|_| command)
            }
            _ => None,
        })
    }

    pub(super) fn at(&self, scope: &Scope<'p>, span: Span) -> Place {
        Place {
            file: scope.file,
            span,
        }
    }

    /// Adds a node, unless there are too many already.
    pub(super) fn push(&mut self, out: &mut Vec<Node>, node: Node) {
        self.nodes += 1;
        if !self.is_full() {
            out.push(node);
        }
    }

    pub(super) fn count(&mut self, nodes: usize) {
        self.nodes += nodes;
    }

    pub(super) fn is_full(&self) -> bool {
        self.nodes > MAX_NODES
    }

    /// Whether there is time to look into one more function for a text.
    pub(super) fn may_enter(&mut self) -> bool {
        !self.is_tired() && self.describing < MAX_DEPTH
    }

    pub(super) fn is_tired(&mut self) -> bool {
        self.steps += 1;
        self.steps > MAX_STEPS
    }
}

pub(super) fn wait_for(on: BTreeSet<String>) -> Wait {
    Wait { on, until: None }
}

/// The expressions directly inside one.
pub(super) fn children(expr: &Expr) -> Vec<&Expr> {
    struct Direct<'a>(Vec<&'a Expr>);
    impl<'a> Visitor<'a> for Direct<'a> {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0.push(expr);
        }
        fn visit_annotation(&mut self, _: &'a Expr) {}
    }
    let mut direct = Direct(Vec::new());
    walk_expr(&mut direct, expr);
    direct.0
}

/// Stops what was awaited from being shown as a task beside.
pub(super) fn unwrapped(nodes: &mut Vec<Node>, from: usize) -> bool {
    if nodes.len() == from + 1
        && let Some(Node::Task(..)) = nodes.last()
        && let Some(Node::Task(body, _)) = nodes.pop()
    {
        nodes.extend(body);
        return true;
    }
    false
}

pub(super) fn exit(kind: Exit, place: Place) -> Node {
    Node::Exit(kind, place)
}
