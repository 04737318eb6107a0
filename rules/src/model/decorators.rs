//! Decorators of the project that leave a function with the parameters it has.
//!
//! Such a decorator makes a function that hands on all that it is given, and says with `functools.wraps` for
//! whom. It may make an activity of that besides.

use lint_core::diagnostic::FileId;
use lint_core::index::{Function, FunctionIx, FunctionNode, Index};
use lint_core::names::{Names, Resolved};
use lint_core::project::Project;
use lint_core::syntax::ast::{self, Expr, Stmt};

use crate::program::{Node, own_nodes};

/// What a decorator does to a function that it leaves with its parameters.
pub(crate) enum Leaves<'p> {
    /// Nothing more, as far as the SDK sees.
    AsItIs,
    /// It is an activity, by its own name or by another one.
    Activity(Option<Name<'p>>),
}

/// Where the name of an activity is written.
pub(crate) struct Name<'p> {
    file: FileId,
    function: FunctionIx,
    value: &'p Expr,
}

impl Name<'_> {
    pub(crate) fn text(&self, names: &Names<'_>) -> Option<String> {
        names.const_str(self.file, self.function, self.value)
    }
}

const DEFN: &str = "temporalio.activity.defn";

/// What looks at a function and does not call it.
const LOOKS: &[&str] = &[
    "asyncio.iscoroutinefunction",
    "inspect.iscoroutinefunction",
    "inspect.signature",
];

/// Reads decorators of the functions in some files.
#[derive(Clone, Copy)]
pub(crate) struct Decorators<'m, 'p> {
    pub(crate) project: &'p Project<'p>,
    pub(crate) names: &'m Names<'p>,
}

impl<'p> Decorators<'_, 'p> {
    /// What a decorator of a function does; `None` if the parameters may be others afterwards.
    pub(crate) fn leaves(
        self,
        file: FileId,
        function: &Function<'p>,
        decorator: &'p ast::Decorator,
    ) -> Option<Leaves<'p>> {
        let at = function.parent;
        let (callee, call) = match &decorator.expression {
            Expr::Call(it) => (&*it.func, Some(it)),
            other => (other, None),
        };
        let (made_in, makes) = match self.names.resolve(file, at, callee)? {
            Resolved::External(name) if name == DEFN => {
                return Some(Leaves::Activity(match call {
                    Some(call) => self.name(file, at, call)?,
                    None => None,
                }));
            }
            Resolved::External(name) => {
                return name.starts_with("temporalio.").then_some(Leaves::AsItIs);
            }
            Resolved::Function { file, ix } => (file, ix),
            _ => return None,
        };
        let of = Decorator::in_project(self, made_in)?;
        let Some(call) = call else {
            return of.leaves(makes);
        };
        match of.leaves(of.returned(makes)?)? {
            Leaves::Activity(Some(name)) => {
                let given = Name {
                    file,
                    function: at,
                    value: name.value,
                };
                of.given(makes, call, name, given).map(Leaves::Activity)
            }
            other => Some(other),
        }
    }

    /// The name that a call of `activity.defn` gives; `None` on the outside if it is no activity for a name.
    fn name(
        self,
        file: FileId,
        function: FunctionIx,
        call: &'p ast::ExprCall,
    ) -> Option<Option<Name<'p>>> {
        if call.arguments.find_keyword("dynamic").is_some() {
            return None;
        }
        let value = call.arguments.find_argument_value("name", 0);
        let value = value.filter(|it| !it.is_none_literal_expr());
        Some(value.map(|value| Name {
            file,
            function,
            value,
        }))
    }
}

/// The functions of a file among which a decorator is.
struct Decorator<'m, 'p> {
    of: Decorators<'m, 'p>,
    file: FileId,
    index: &'p Index<'p>,
}

impl<'m, 'p> Decorator<'m, 'p> {
    fn in_project(of: Decorators<'m, 'p>, file: FileId) -> Option<Self> {
        let index = of.project.module(file)?.index();
        Some(Self { of, file, index })
    }

    fn def(&self, ix: FunctionIx) -> Option<&'p ast::StmtFunctionDef> {
        match self.index.function(ix).node {
            FunctionNode::Def(def) => Some(def),
            _ => None,
        }
    }

    fn nodes(&self, ix: FunctionIx) -> impl Iterator<Item = Node<'p>> {
        own_nodes(Some(self.index.function(ix)))
    }

    /// The functions that are defined directly in a function.
    fn within(&self, ix: FunctionIx) -> impl Iterator<Item = FunctionIx> {
        let all = (0..).zip(&self.index.functions);
        all.filter(move |(inner, it)| it.parent == ix && *inner != ix)
            .map(|(inner, _)| inner)
    }

    fn returns(&self, ix: FunctionIx) -> impl Iterator<Item = Option<&'p Expr>> {
        self.nodes(ix).filter_map(|node| match node {
            Node::Stmt(Stmt::Return(it)) => Some(it.value.as_deref()),
            _ => None,
        })
    }

    /// The only function that a function returns, which is defined in it.
    fn returned(&self, ix: FunctionIx) -> Option<FunctionIx> {
        let mut returns = self.returns(ix);
        let only = returns.next()??;
        self.local(ix, only).filter(|_| returns.next().is_none())
    }

    fn local(&self, ix: FunctionIx, expr: &Expr) -> Option<FunctionIx> {
        let name = expr.as_name_expr()?.id.as_str();
        let mut named = self
            .within(ix)
            .filter(|it| self.def(*it).is_some_and(|def| def.name.as_str() == name));
        named.next()
    }

    fn is_external(&self, ix: FunctionIx, callee: &Expr, names: &[&str]) -> bool {
        let resolved = self.of.names.resolve(self.file, ix, callee);
        resolved.is_some_and(|it| it.external().is_some_and(|it| names.contains(&it)))
    }

    /// What a function does that is given another one.
    fn leaves(&self, ix: FunctionIx) -> Option<Leaves<'p>> {
        let def = self.def(ix).filter(|it| !it.is_async)?;
        let mut parameters = def.parameters.iter();
        let given = parameters.next()?.name().as_str();
        if parameters.next().is_some() || !self.nodes(ix).all(|it| self.only_looks(ix, given, it)) {
            return None;
        }
        let mut made = Vec::new();
        for value in self.returns(ix) {
            let (inner, call) = match value? {
                Expr::Call(it) => (it.arguments.args.first()?, Some(&*it.func)),
                other => (other, None),
            };
            let inner = self.local(ix, inner)?;
            let marked = self.hands_on(ix, given, inner)?;
            made.push(match call {
                Some(marker) => self.marked(ix, marker)?,
                None => marked,
            });
        }
        made.pop()
    }

    /// Whether a node does not use the function that is decorated, other than to look at it.
    fn only_looks(&self, ix: FunctionIx, given: &str, node: Node<'p>) -> bool {
        let is_given = |it: &Expr| is_name(it, given);
        let Node::Expr(Expr::Call(call)) = node else {
            return !matches!(node, Node::Expr(Expr::Name(it)) if it.id.as_str() == given && !it.ctx.is_load());
        };
        let passes = call.arguments.args.iter().any(is_given);
        !is_given(&call.func) && (!passes || self.is_external(ix, &call.func, LOOKS))
    }

    /// What a decorator or a call of it makes of a function.
    fn marked(&self, ix: FunctionIx, marker: &'p Expr) -> Option<Leaves<'p>> {
        let (callee, call) = match marker {
            Expr::Call(it) => (&*it.func, Some(it)),
            other => (other, None),
        };
        if !self.is_external(ix, callee, &[DEFN]) {
            return None;
        }
        Some(Leaves::Activity(match call {
            Some(call) => self.of.name(self.file, ix, call)?,
            None => None,
        }))
    }

    /// What a function in a decorator is if it wraps what is decorated, and gives that what it is given.
    fn hands_on(&self, ix: FunctionIx, given: &str, inner: FunctionIx) -> Option<Leaves<'p>> {
        let def = self.def(inner)?;
        let mut leaves = Leaves::AsItIs;
        let mut wraps = false;
        for decorator in &def.decorator_list {
            match &decorator.expression {
                Expr::Call(call) if self.is_external(ix, &call.func, &["functools.wraps"]) => {
                    wraps |= call
                        .arguments
                        .args
                        .first()
                        .is_some_and(|it| is_name(it, given));
                }
                marker => leaves = self.marked(ix, marker)?,
            }
        }
        let is_used = |node: &Node<'p>| matches!(node, Node::Expr(it) if is_name(it, given));
        let (mut uses, mut calls, mut looks) = (0, 0, 0);
        for node in self.nodes(inner) {
            uses += usize::from(is_used(&node));
            match node {
                Node::Expr(Expr::Call(call)) if is_name(&call.func, given) => {
                    calls += usize::from(gives_all(&def.parameters, call));
                }
                Node::Expr(Expr::Attribute(it)) if is_name(&it.value, given) => looks += 1,
                node if !leaves_alone(&def.parameters, node) => return None,
                _ => {}
            }
        }
        let mut nested = self.within(inner).flat_map(|it| self.nodes(it));
        let is_seen = wraps && calls > 0 && uses == calls + looks && !nested.any(|it| is_used(&it));
        is_seen.then_some(leaves)
    }

    /// The name of an activity that a decorator makes with an argument of its own.
    fn given(
        &self,
        ix: FunctionIx,
        call: &'p ast::ExprCall,
        name: Name<'p>,
        at: Name<'p>,
    ) -> Option<Option<Name<'p>>> {
        let parameters = &self.def(ix)?.parameters;
        let Expr::Name(variable) = name.value else {
            return Some(Some(name));
        };
        let mut all = parameters.iter_non_variadic_params().enumerate();
        let Some((position, parameter)) = all.find(|(_, it)| **it.name() == *variable.id) else {
            return Some(Some(name));
        };
        let position = match parameters.kwonlyargs.is_empty() {
            true => position,
            false => usize::MAX,
        };
        let value = call
            .arguments
            .find_argument_value(parameter.name(), position)
            .or(parameter.default())?;
        Some((!value.is_none_literal_expr()).then_some(Name { value, ..at }))
    }
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Name(it) if it.id.as_str() == name)
}

/// Whether a call gives all parameters of the function around it, as they are, and nothing else.
fn gives_all(parameters: &ast::Parameters, call: &ast::ExprCall) -> bool {
    let mut args = call.arguments.args.iter();
    let mut positional = parameters.posonlyargs.iter().chain(&parameters.args);
    let own = positional.all(|it| args.next().is_some_and(|arg| is_name(arg, it.name())));
    let rest = parameters.vararg.as_ref().is_some_and(
        |all| matches!(args.next(), Some(Expr::Starred(it)) if is_name(&it.value, &all.name)),
    );
    let mut keywords = call.arguments.keywords.iter();
    let named = parameters.kwarg.as_ref().is_none_or(|all| {
        keywords
            .next()
            .is_some_and(|it| it.arg.is_none() && is_name(&it.value, &all.name))
    });
    let is_all = args.next().is_none() && keywords.next().is_none();
    own && rest && named && is_all && parameters.kwonlyargs.is_empty()
}

/// Whether a node changes none of the parameters.
fn leaves_alone(parameters: &ast::Parameters, node: Node<'_>) -> bool {
    let is_parameter = |it: &Expr| parameters.iter().any(|own| is_name(it, own.name()));
    match node {
        Node::Expr(Expr::Name(it)) => it.ctx.is_load() || !parameters.includes(&it.id),
        Node::Expr(Expr::Subscript(it)) => it.ctx.is_load() || !is_parameter(&it.value),
        Node::Expr(Expr::Call(it)) => match &*it.func {
            Expr::Attribute(method) => {
                let changes = matches!(
                    method.attr.as_str(),
                    "pop" | "popitem" | "setdefault" | "update"
                );
                !(changes && is_parameter(&method.value))
            }
            _ => true,
        },
        _ => true,
    }
}
