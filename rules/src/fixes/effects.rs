//! What a function changes besides what it returns. An activity would change it in another process.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::facts::FunctionRef;
use lint_core::index::{Function, MODULE_BODY};
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr, Stmt};

use crate::program::{Node, Program, nodes_of, nodes_of_expr, own_nodes};
use crate::rule::Context;

/// Calls that change the process for all that runs in it.
pub(super) const OF_PROCESS: &[&str] = &[
    "atexit.register",
    "decimal.setcontext",
    "faulthandler.enable",
    "gc.disable",
    "gc.enable",
    "importlib.reload",
    "locale.setlocale",
    "logging.basicConfig",
    "numpy.random.seed",
    "os.chdir",
    "os.chroot",
    "os.environ.clear",
    "os.environ.pop",
    "os.environ.popitem",
    "os.environ.setdefault",
    "os.environ.update",
    "os.fchdir",
    "os.nice",
    "os.putenv",
    "os.setgid",
    "os.setuid",
    "os.umask",
    "os.unsetenv",
    "random.seed",
    "random.setstate",
    "signal.alarm",
    "signal.signal",
    "socket.setdefaulttimeout",
    "time.tzset",
    "torch.manual_seed",
];

/// Methods that change a container.
const CHANGE: &[&str] = &[
    "add",
    "append",
    "appendleft",
    "clear",
    "difference_update",
    "discard",
    "extend",
    "extendleft",
    "insert",
    "intersection_update",
    "pop",
    "popitem",
    "popleft",
    "remove",
    "reverse",
    "rotate",
    "setdefault",
    "sort",
    "subtract",
    "symmetric_difference_update",
    "update",
];

/// Functions that change what they are given first.
const CHANGE_FIRST: &[&str] = &[
    "bisect.insort",
    "bisect.insort_left",
    "bisect.insort_right",
    "delattr",
    "heapq.heapify",
    "heapq.heappop",
    "heapq.heappush",
    "heapq.heappushpop",
    "heapq.heapreplace",
    "operator.delitem",
    "operator.iadd",
    "operator.ior",
    "operator.setitem",
    "random.shuffle",
    "setattr",
];

/// Functions whose value holds the elements of what they are given.
const COPY: &[&str] = &[
    "collections.deque",
    "copy.copy",
    "dict",
    "enumerate",
    "filter",
    "frozenset",
    "iter",
    "list",
    "reversed",
    "set",
    "sorted",
    "tuple",
    "zip",
];

/// Whether a function leaves something behind in the process, which it would leave behind in that of
/// the activity: a module's variable or container, a context variable, the working directory.
pub(super) fn leaves_state(cx: &Context<'_>, it: FunctionRef) -> bool {
    let program = Program::new(cx.facts);
    program.runs_from(it).into_iter().any(|it| {
        own_nodes(program.function(it)).any(|node| match node {
            Node::Stmt(Stmt::Global(_)) => true,
            Node::Expr(Expr::Subscript(subscript)) if !subscript.ctx.is_load() => {
                is_of_module(cx, it, &subscript.value)
            }
            Node::Expr(Expr::Attribute(attribute)) if !attribute.ctx.is_load() => {
                is_of_module(cx, it, &attribute.value)
            }
            Node::Expr(Expr::Call(call)) => {
                let of_container = call.func.as_attribute_expr().is_some_and(|method| {
                    let name = method.attr.as_str();
                    (CHANGE.contains(&name) || name == "set")
                        && is_container_of_module(cx, it, &method.value)
                });
                of_container || program.calls(it.file, call, OF_PROCESS)
            }
            _ => false,
        })
    })
}

/// Whether an expression is a variable of a module, or a part of one.
fn is_of_module(cx: &Context<'_>, it: FunctionRef, expr: &Expr) -> bool {
    match expr {
        Expr::Subscript(inner) => is_of_module(cx, it, &inner.value),
        _ => matches!(
            cx.names().resolve(it.file, it.ix, expr),
            Some(Resolved::Variable { .. } | Resolved::External(_) | Resolved::Module(_))
        ),
    }
}

/// Whether it is one that a module fills with a container, or a context variable.
fn is_container_of_module(cx: &Context<'_>, it: FunctionRef, expr: &Expr) -> bool {
    const CONTAINERS: &[&str] = &[
        "collections.Counter",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
        "contextvars.ContextVar",
        "dict",
        "list",
        "set",
    ];
    let Some(Resolved::Variable { file, name }) = cx.names().resolve(it.file, it.ix, expr) else {
        return false;
    };
    match cx.names().value(file, &name) {
        Some(Expr::Call(call)) => {
            let callee = cx.names().resolve(file, MODULE_BODY, &call.func);
            let callee = callee.as_ref().and_then(Resolved::external);
            callee.is_some_and(|it| CONTAINERS.contains(&it))
        }
        Some(value) => matches!(
            value,
            Expr::Dict(_) | Expr::List(_) | Expr::Set(_) | Expr::DictComp(_) | Expr::ListComp(_)
        ),
        None => false,
    }
}

/// Whether a function changes what it is given for a parameter, or hands it to one that does.
pub(super) fn changes<'p>(cx: &Context<'p>, it: FunctionRef, parameter: &'p str) -> bool {
    let program = Program::new(cx.facts);
    let mut seen = BTreeSet::new();
    let mut pending = vec![(it, parameter)];
    while let Some((it, parameter)) = pending.pop() {
        let Some(function) = program
            .function(it)
            .filter(|_| seen.insert((it, parameter)))
        else {
            continue;
        };
        let given = Given::of(cx, it, all_nodes(function), parameter);
        if given.nodes.iter().any(|node| given.is_changed(*node)) {
            return true;
        }
        given.hand_on(program, &mut pending);
    }
    false
}

/// The statements and expressions of a function, with those of the functions in it.
fn all_nodes<'p>(function: &'p Function<'p>) -> Vec<Node<'p>> {
    let mut nodes: Vec<Node<'p>> = own_nodes(Some(function)).collect();
    let mut at = 0;
    while let Some(&node) = nodes.get(at) {
        match node {
            Node::Stmt(Stmt::FunctionDef(it)) => nodes.extend(nodes_of(&it.body)),
            Node::Expr(Expr::Lambda(it)) => nodes.extend(nodes_of_expr(&it.body)),
            _ => {}
        }
        at += 1;
    }
    nodes
}

/// What a value has of what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    /// It is another container with the same elements.
    Elements,
    /// It is that, or a part of it.
    Itself,
}

/// What a function is given for a parameter, and the names that it has there.
struct Given<'c, 'p> {
    cx: &'c Context<'p>,
    this: FunctionRef,
    nodes: Vec<Node<'p>>,
    names: BTreeMap<&'p str, Share>,
}

impl<'c, 'p> Given<'c, 'p> {
    fn of(
        cx: &'c Context<'p>,
        this: FunctionRef,
        nodes: Vec<Node<'p>>,
        parameter: &'p str,
    ) -> Self {
        let mut given = Self {
            cx,
            this,
            nodes,
            names: BTreeMap::from([(parameter, Share::Itself)]),
        };
        loop {
            let before = given.names.clone();
            for at in 0..given.nodes.len() {
                given.bind(given.nodes[at]);
            }
            if given.names == before {
                return given;
            }
        }
    }

    /// Notes the names that a statement, or an expression, gives to it.
    fn bind(&mut self, node: Node<'p>) {
        let generators = |it: &'p [ast::Comprehension]| {
            let each = it.iter().map(|it| (&it.target, &it.iter));
            each.collect::<Vec<_>>()
        };
        let (bindings, goes_through) = match node {
            Node::Stmt(Stmt::Assign(it)) => {
                let targets = it.targets.iter();
                (targets.map(|target| (target, &*it.value)).collect(), false)
            }
            Node::Stmt(Stmt::AnnAssign(it)) => {
                let value = it.value.as_deref().into_iter();
                (value.map(|value| (&*it.target, value)).collect(), false)
            }
            Node::Stmt(Stmt::For(it)) => (vec![(&*it.target, &*it.iter)], true),
            Node::Expr(Expr::Named(it)) => (vec![(&*it.target, &*it.value)], false),
            Node::Expr(Expr::ListComp(it)) => (generators(&it.generators), true),
            Node::Expr(Expr::SetComp(it)) => (generators(&it.generators), true),
            Node::Expr(Expr::DictComp(it)) => (generators(&it.generators), true),
            Node::Expr(Expr::Generator(it)) => (generators(&it.generators), true),
            _ => return,
        };
        for (target, value) in bindings {
            let Some(share) = self.share(value) else {
                continue;
            };
            // What is taken apart, or gone through, gives its elements.
            let is_apart = goes_through || !target.is_name_expr();
            let share = if is_apart { Share::Itself } else { share };
            for node in nodes_of_expr(target) {
                if let Node::Expr(Expr::Name(name)) = node
                    && name.ctx.is_store()
                {
                    let known = self.names.entry(name.id.as_str()).or_insert(share);
                    *known = share.max(*known);
                }
            }
        }
    }

    fn external(&self, expr: &Expr) -> Option<String> {
        let names = self.cx.names();
        let resolved = names.resolve(self.this.file, self.this.ix, expr)?;
        resolved.external().map(str::to_owned)
    }

    /// What the value of an expression has of it.
    fn share(&self, expr: &Expr) -> Option<Share> {
        let of_any = |all: &[Expr]| all.iter().filter_map(|it| self.share(it)).max();
        let within = |it: &Expr| self.share(it).map(|_| Share::Itself);
        match expr {
            Expr::Name(it) => self.names.get(it.id.as_str()).copied(),
            Expr::Attribute(it) => within(&it.value),
            Expr::Subscript(it) => match &*it.slice {
                Expr::Slice(_) => self.share(&it.value).map(|_| Share::Elements),
                _ => within(&it.value),
            },
            Expr::Starred(it) => self.share(&it.value).map(|_| Share::Elements),
            Expr::Named(it) => self.share(&it.value),
            Expr::If(it) => self.share(&it.body).max(self.share(&it.orelse)),
            Expr::BoolOp(it) => of_any(&it.values),
            Expr::Tuple(it) => of_any(&it.elts),
            Expr::List(it) => of_any(&it.elts).map(|_| Share::Elements),
            Expr::Dict(it) => {
                let values = it.items.iter().filter_map(|it| self.share(&it.value));
                values.max().map(|_| Share::Elements)
            }
            Expr::Call(call) => self.share_of_call(call),
            _ => None,
        }
    }

    fn share_of_call(&self, call: &ast::ExprCall) -> Option<Share> {
        if let Expr::Attribute(method) = &*call.func
            && let Some(share) = self.share(&method.value)
        {
            return match method.attr.as_str() {
                "copy" | "items" | "keys" | "values" => Some(Share::Elements),
                "get" | "pop" | "popitem" | "popleft" | "setdefault" => Some(Share::Itself),
                "__enter__" | "__iter__" => Some(share),
                _ => None,
            };
        }
        let name = self.external(&call.func)?;
        let mut given = call.arguments.args.iter();
        match name.as_str() {
            "next" | "max" | "min" | "getattr" => given.find_map(|it| self.share(it)),
            name if COPY.contains(&name) => {
                let share = given.find_map(|it| self.share(it));
                share.map(|_| Share::Elements)
            }
            _ => None,
        }
    }

    fn is_itself(&self, expr: &Expr) -> bool {
        self.share(expr) == Some(Share::Itself)
    }

    fn is_changed(&self, node: Node<'p>) -> bool {
        match node {
            Node::Expr(Expr::Attribute(it)) if !it.ctx.is_load() => self.is_itself(&it.value),
            Node::Expr(Expr::Subscript(it)) if !it.ctx.is_load() => self.is_itself(&it.value),
            // Numbers and texts become others.
            Node::Stmt(Stmt::AugAssign(it)) => {
                let is_container = !matches!(
                    &*it.value,
                    Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::FString(_)
                );
                is_container && it.target.is_name_expr() && self.is_itself(&it.target)
            }
            Node::Expr(Expr::Call(call)) => {
                let is_first = || {
                    call.arguments
                        .args
                        .first()
                        .is_some_and(|it| self.is_itself(it))
                };
                let by_method = call.func.as_attribute_expr().is_some_and(|it| {
                    let name = it.attr.as_str();
                    CHANGE.contains(&name) && self.is_itself(&it.value)
                        || name == "shuffle" && is_first()
                });
                let name = || self.external(&call.func);
                by_method
                    || is_first() && name().is_some_and(|it| CHANGE_FIRST.contains(&it.as_str()))
            }
            _ => false,
        }
    }

    /// The functions that it is handed to, with their parameters.
    fn hand_on(&self, program: Program<'_, 'p>, pending: &mut Vec<(FunctionRef, &'p str)>) {
        for node in &self.nodes {
            let Node::Expr(Expr::Call(call)) = node else {
                continue;
            };
            for callee in program.functions(self.this.file, call) {
                let (Some(def), Some(function)) = (program.def(callee), program.function(callee))
                else {
                    continue;
                };
                let parameters: Vec<&'p str> = def
                    .parameters
                    .iter_non_variadic_params()
                    .map(|it| it.name().as_str())
                    .collect();
                let receiver = match &*call.func {
                    Expr::Attribute(it) if function.class.is_some() && !is_static(def) => {
                        Some(&*it.value)
                    }
                    _ => None,
                };
                let by_position = receiver.into_iter().chain(&call.arguments.args);
                let by_position = parameters.iter().copied().zip(by_position);
                let by_name = call.arguments.keywords.iter().filter_map(|it| {
                    let name = it.arg.as_ref()?.as_str();
                    let parameter = parameters.iter().copied().find(|it| *it == name)?;
                    Some((parameter, &it.value))
                });
                let handed = by_position.chain(by_name);
                let handed = handed.filter(|(_, value)| self.is_itself(value));
                pending.extend(handed.map(|(parameter, _)| (callee, parameter)));
            }
        }
    }
}

fn is_static(def: &ast::StmtFunctionDef) -> bool {
    let mut decorators = def.decorator_list.iter();
    decorators
        .any(|it| matches!(&it.expression, Expr::Name(it) if it.id.as_str() == "staticmethod"))
}
