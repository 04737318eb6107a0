//! Where workflow code asks its input, or the result of an activity, for what the class of it lacks.

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::names::Resolved;
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::fields::{Annotated, Fields, annotated};
use crate::model::Model;
use crate::program::{Node, Program, own_nodes, tried};
use crate::sites::keyword_value;

/// What is asked for that is not there.
pub(super) struct Lacking {
    pub(super) at: Span,
    /// What is asked, as it is written: a variable.
    pub(super) asked: String,
    /// The name of its class.
    pub(super) class: String,
    /// The attribute; `None` if it is a key.
    pub(super) attribute: Option<String>,
    pub(super) help: String,
}

impl Lacking {
    /// What the object has not, what happens at the place, and the error that Python raises there.
    pub(super) fn told(&self) -> (String, String, &'static str) {
        match &self.attribute {
            Some(name) => (
                format!("has no `{name}`"),
                format!("`{name}` is looked up here"),
                "AttributeError",
            ),
            None => (
                "has attributes and no keys".to_owned(),
                "a key is looked up here".to_owned(),
                "TypeError",
            ),
        }
    }

    pub(super) fn subject(&self) -> String {
        let member = self.attribute.as_deref().unwrap_or("[]");
        format!("{}.{member}", self.class)
    }
}

/// How far a variable is followed to where its value comes from.
const MAX_HOPS: u32 = 4;

/// The function of an entry point, as of an activity, gets its arguments from the converter, which makes
/// what the annotations say.
pub(super) fn lacking(
    model: &Model<'_>,
    program: Program<'_, '_>,
    function: FunctionRef,
    is_entry: bool,
) -> Vec<Lacking> {
    let nodes: Vec<Node<'_>> = own_nodes(program.function(function)).collect();
    let reads = Reads {
        model,
        program,
        function,
        is_entry,
        nodes: &nodes,
    };
    let mut found: Vec<Lacking> = nodes.iter().filter_map(|it| reads.lacking(it)).collect();
    if !found.is_empty() {
        let careful = nodes.iter().flat_map(|it| {
            let errors = ["AttributeError", "TypeError"].iter();
            errors.flat_map(|error| tried(it, error))
        });
        let careful: Vec<Span> = careful.collect();
        let is_careful = |at: Span| {
            careful
                .iter()
                .any(|it| it.start <= at.start && at.end <= it.end)
        };
        found.retain(|it| !is_careful(it.at));
    }
    found
}

struct Reads<'m, 'f, 'p> {
    model: &'m Model<'p>,
    program: Program<'f, 'p>,
    function: FunctionRef,
    is_entry: bool,
    nodes: &'m [Node<'p>],
}

impl Reads<'_, '_, '_> {
    fn lacking(&self, node: &Node<'_>) -> Option<Lacking> {
        let (value, span, attribute, key) = match node {
            Node::Expr(Expr::Attribute(it)) if it.ctx.is_load() => {
                (&it.value, span_of(it), Some(it.attr.as_str()), None)
            }
            Node::Expr(Expr::Subscript(it)) if it.ctx.is_load() => {
                let key = it.slice.as_string_literal_expr()?;
                (&it.value, span_of(it), None, Some(key.value.to_str()))
            }
            _ => return None,
        };
        let name = value.as_name_expr()?;
        let Annotated::One(file, ix) = self.is(value, MAX_HOPS, key.is_some())? else {
            return None;
        };
        let fields = Fields::of(self.model, file, ix)?;
        if attribute.is_some_and(|it| fields.has(it)) || self.is_looked_into(name) {
            return None;
        }
        let asked = name.id.to_string();
        let help = match key {
            Some(key) if fields.has(key) => format!("write `{asked}.{key}`"),
            _ => meant(&asked, &fields, attribute.unwrap_or_default()),
        };
        Some(Lacking {
            at: span,
            asked,
            class: fields.name.to_owned(),
            attribute: attribute.map(str::to_owned),
            help,
        })
    }

    /// Whether the function asks itself what the variable is or has, or gives it attributes.
    fn is_looked_into(&self, name: &ast::ExprName) -> bool {
        let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id == name.id);
        self.nodes.iter().any(|node| match node {
            Node::Expr(Expr::Call(call)) => {
                let asks = matches!(&*call.func, Expr::Name(it)
                    if matches!(it.id.as_str(), "hasattr" | "isinstance" | "setattr" | "type" | "vars"));
                asks && call.arguments.args.first().is_some_and(is_it)
            }
            Node::Expr(Expr::Attribute(it)) => !it.ctx.is_load() && is_it(&it.value),
            Node::Stmt(Stmt::Match(it)) => is_it(&it.subject),
            _ => false,
        })
    }

    /// What an expression is made to be by the converter.
    fn is(&self, expr: &Expr, hops: u32, is_key: bool) -> Option<Annotated> {
        let hops = hops.checked_sub(1)?;
        match expr {
            Expr::Name(it) => self.variable(it.id.as_str(), hops, is_key),
            Expr::Await(it) => self.result(it.value.as_call_expr()?),
            Expr::Subscript(it) => {
                let is_slice = it.slice.is_slice_expr();
                match self.is(&it.value, hops, is_key)? {
                    Annotated::List(file, ix) if is_slice => Some(Annotated::List(file, ix)),
                    Annotated::List(file, ix) => Some(Annotated::One(file, ix)),
                    Annotated::One(..) => None,
                }
            }
            _ => None,
        }
    }

    fn variable(&self, name: &str, hops: u32, is_key: bool) -> Option<Annotated> {
        let FunctionRef { file, ix } = self.function;
        let names = self.model.names_in(file);
        let def = self.program.def(self.function)?;
        let mut parameters = def.parameters.iter_non_variadic_params();
        if let Some(parameter) = parameters.find(|it| it.name().as_str() == name) {
            // With another number of arguments the SDK leaves dictionaries as they are.
            let is_method = self.program.function(self.function)?.class.is_some();
            let given = def.parameters.iter().count() - usize::from(is_method);
            let is_only = given == 1 && parameter.default().is_none();
            let is_made =
                self.is_entry && !names.is_set_again(file, ix, name) && (is_only || !is_key);
            let parent = self.program.function(self.function)?.parent;
            return is_made
                .then(|| annotated(self.model, file, parent, parameter.annotation()?))
                .flatten();
        }
        if let Some((owner, value)) = names.local_value(file, ix, name) {
            return (owner == ix)
                .then(|| self.is(value, hops, is_key))
                .flatten();
        }
        let stores = self.nodes.iter().filter(
            |it| matches!(it, Node::Expr(Expr::Name(it)) if it.ctx.is_store() && it.id.as_str() == name),
        );
        if stores.count() != 1 {
            return None;
        }
        let source = self
            .nodes
            .iter()
            .find_map(|node| self.gone_through(node, name))?;
        match self.is(source, hops, is_key)? {
            Annotated::List(file, ix) => Some(Annotated::One(file, ix)),
            Annotated::One(..) => None,
        }
    }

    /// What a loop or a comprehension goes through with this variable.
    fn gone_through<'e>(&self, node: &Node<'e>, name: &str) -> Option<&'e Expr> {
        let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id.as_str() == name);
        let generators = match node {
            Node::Stmt(Stmt::For(it)) => return is_it(&it.target).then_some(&it.iter),
            Node::Expr(Expr::ListComp(it)) => &it.generators,
            Node::Expr(Expr::SetComp(it)) => &it.generators,
            Node::Expr(Expr::DictComp(it)) => &it.generators,
            Node::Expr(Expr::Generator(it)) => &it.generators,
            _ => return None,
        };
        let mut generators = generators.iter().filter(|it| is_it(&it.target));
        generators.next().map(|it| &it.iter)
    }

    /// What an activity gives that is named by its function.
    fn result(&self, call: &ast::ExprCall) -> Option<Annotated> {
        let FunctionRef { file, ix } = self.function;
        let names = self.model.names_in(file);
        let callee = names.resolve(file, ix, &call.func)?;
        if !SCHEDULES.contains(&callee.external()?) || keyword_value(call, "result_type").is_some()
        {
            return None;
        }
        let Resolved::Function { file, ix } =
            names.resolve(file, ix, call.arguments.args.first()?)?
        else {
            return None;
        };
        let function = self.model.index(file)?.function(ix);
        let def = self.program.def(FunctionRef { file, ix })?;
        let returns = def
            .returns
            .as_deref()
            .filter(|_| def.decorator_list.len() == 1)?;
        annotated(self.model, file, function.parent, returns)
    }
}

/// What gives what the annotation of the function says.
const SCHEDULES: &[&str] = &[
    "temporalio.workflow.execute_activity",
    "temporalio.workflow.execute_activity_method",
    "temporalio.workflow.execute_local_activity",
    "temporalio.workflow.execute_local_activity_method",
];

/// What to write instead of an attribute or key that the class does not have.
fn meant(asked: &str, fields: &Fields<'_>, name: &str) -> String {
    const MANY: usize = 6;
    let mut names: Vec<&str> = fields.members().filter(|it| !it.starts_with('_')).collect();
    if let Some(member) = closest(name, names.iter().copied()).filter(|_| !name.is_empty()) {
        return format!("write `{asked}.{member}`, if that is meant");
    }
    let rest = if names.len() > MANY { ", …" } else { "" };
    names.truncate(MANY);
    format!("a `{}` has `{}`{rest}", fields.name, names.join("`, `"))
}
