//! Where workflow code asks its input, or the result of an activity, for what the class of it lacks.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::Span;
use lint_core::facts::FunctionRef;
use lint_core::names::Resolved;
use lint_core::suggest::closest;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::{last_name, span_of};

use super::by_name::{ByName, by_name, is_of_dictionaries};
use super::fields::{Annotated, Fields, annotated, is_data};
use crate::model::Model;
use crate::program::{Node, Program, own_nodes, tried};
use crate::sites::{keyword_value, shown_call};

/// What is asked for that is not there.
pub(super) struct Lacking {
    pub(super) at: Span,
    /// What is asked, as it is written: a variable.
    pub(super) asked: String,
    /// The name of its class, or of the one that it is taken for.
    pub(super) class: String,
    /// The attribute; `None` if it is a key.
    pub(super) attribute: Option<String>,
    /// The call that gives a dictionary instead, as it is written, and its place.
    given_by: Option<(Span, String)>,
    pub(super) help: String,
}

impl Lacking {
    /// What the object is and has not, what happens at the place, and the error that Python raises there.
    pub(super) fn told(&self) -> (String, String, &'static str) {
        let (asked, class) = (&self.asked, &self.class);
        let Some(name) = &self.attribute else {
            return (
                format!("`{asked}` is a `{class}`, which has attributes and no keys"),
                "a key is looked up here".to_owned(),
                "TypeError",
            );
        };
        let what = match &self.given_by {
            Some((_, call)) => format!(
                "`{asked}` is a dictionary and no `{class}`, since {call} is given a name and no `result_type`"
            ),
            None => format!("`{asked}` is a `{class}`, which has no `{name}`"),
        };
        let about = format!("`{name}` is looked up here");
        (what, about, "AttributeError")
    }

    /// Whether what is asked is no object of the class, so that nothing that code does with those helps.
    pub(super) fn is_of_dictionary(&self) -> bool {
        self.given_by.is_some()
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
pub(super) fn lacking<'p>(
    model: &Model<'p>,
    program: Program<'_, 'p>,
    function: FunctionRef,
    is_entry: bool,
) -> Vec<Lacking> {
    let nodes: Vec<Node<'p>> = own_nodes(program.function(function)).collect();
    let reads = Reads {
        model,
        program,
        function,
        is_entry,
        nodes: &nodes,
        stored: stored(&nodes),
    };
    let mut found: Vec<Lacking> = nodes.iter().filter_map(|it| reads.lacking(it)).collect();
    if !found.is_empty() {
        let careful = nodes.iter().flat_map(|it| {
            let errors = ["AttributeError", "TypeError"].iter();
            errors.flat_map(|error| tried(it, error))
        });
        let careful: Vec<Span> = careful.collect();
        let is_careful = |at: Span| careful.iter().any(|it| it.contains(at));
        found.retain(|it| !is_careful(it.at));
    }
    // What one call gives is wrong once, however often it is read.
    let mut told = BTreeSet::new();
    let is_new = |it: &Lacking| it.given_by.as_ref().is_none_or(|it| told.insert(it.0));
    found.sort_by_key(|it| it.at);
    found.retain(is_new);
    found
}

struct Reads<'m, 'f, 'p> {
    model: &'m Model<'p>,
    program: Program<'f, 'p>,
    function: FunctionRef,
    is_entry: bool,
    nodes: &'m [Node<'p>],
    /// How often each variable is assigned.
    stored: BTreeMap<&'p str, usize>,
}

fn stored<'p>(nodes: &[Node<'p>]) -> BTreeMap<&'p str, usize> {
    let mut stored = BTreeMap::new();
    for node in nodes {
        if let Node::Expr(Expr::Name(it)) = node
            && it.ctx.is_store()
        {
            *stored.entry(it.id.as_str()).or_default() += 1;
        }
    }
    stored
}

impl<'p> Reads<'_, '_, 'p> {
    fn lacking(&self, node: &Node<'p>) -> Option<Lacking> {
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
        let made = self.is(value, MAX_HOPS, key.is_some())?;
        let Annotated::One(file, ix) = made.class else {
            return None;
        };
        if is_looked_into(self.nodes, name) {
            return None;
        }
        let asked = name.id.to_string();
        if let Some(call) = made.given_by {
            let attribute = attribute.filter(|it| !is_of_dictionaries(it))?;
            let class = is_data(self.model, file, ix)?.to_owned();
            return Some(Lacking {
                at: span,
                asked,
                help: match made.is_element {
                    true => format!("add `result_type=list[{class}]` to the call"),
                    false => format!("add `result_type={class}` to the call"),
                },
                class,
                attribute: Some(attribute.to_owned()),
                given_by: Some((
                    span_of(call.call),
                    shown_call(self.model, call.file, call.call),
                )),
            });
        }
        let fields = Fields::of(self.model, file, ix)?;
        if attribute.is_some_and(|it| fields.has(it)) {
            return None;
        }
        let help = match key {
            Some(key) if fields.has(key) => format!("write `{asked}.{key}`"),
            _ => meant(&asked, &fields, attribute.unwrap_or_default()),
        };
        Some(Lacking {
            at: span,
            asked,
            class: fields.name.to_owned(),
            attribute: attribute.map(str::to_owned),
            given_by: None,
            help,
        })
    }

    /// What an expression is made to be by the converter.
    fn is(&self, expr: &'p Expr, hops: u32, is_key: bool) -> Option<Made<'p>> {
        let hops = hops.checked_sub(1)?;
        match expr {
            Expr::Name(it) => self.variable(it.id.as_str(), hops, is_key),
            Expr::Await(it) => {
                let made = it.value.as_call_expr().and_then(|it| self.result(it));
                made.or_else(|| Made::by_name(self.untyped(expr)?, None))
            }
            Expr::Subscript(it) => {
                let is_slice = it.slice.is_slice_expr();
                let made = self.is(&it.value, hops, is_key)?;
                if is_slice {
                    made.list()
                } else {
                    made.element()
                }
            }
            _ => None,
        }
    }

    fn variable(&self, name: &str, hops: u32, is_key: bool) -> Option<Made<'p>> {
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
            return is_made
                .then(|| self.annotated(parameter.annotation()?).map(Made::typed))
                .flatten();
        }
        if let Some(values) = names.local_values(file, ix, name) {
            return self.assigned(name, &values, hops, is_key);
        }
        if self.stored.get(name) != Some(&1) {
            return None;
        }
        let source = self
            .nodes
            .iter()
            .find_map(|node| self.gone_through(node, name))?;
        self.is(source, hops, is_key)?.element()
    }

    /// What a variable is that gets these values: one, or dictionaries in any case.
    fn assigned(
        &self,
        name: &str,
        values: &[&'p Expr],
        hops: u32,
        is_key: bool,
    ) -> Option<Made<'p>> {
        let said = self.nodes.iter().find_map(|node| match node {
            Node::Stmt(Stmt::AnnAssign(it)) => {
                let is_it = matches!(&*it.target, Expr::Name(it) if it.id.as_str() == name);
                is_it.then(|| self.annotated(&it.annotation)).flatten()
            }
            _ => None,
        });
        let of = |value: &'p Expr| match self.untyped(value) {
            Some(call) => Made::by_name(call, said),
            None => self.is(value, hops, is_key),
        };
        // Neither has `None` what is asked for.
        let values: Vec<&'p Expr> = values
            .iter()
            .filter(|it| !it.is_none_literal_expr())
            .copied()
            .collect();
        let (first, rest) = values.split_first()?;
        let made = of(first)?;
        let is_dictionary = |it: &&'p Expr| of(it).is_some_and(|it| it.given_by.is_some());
        let is_certain =
            rest.is_empty() || made.given_by.is_some() && rest.iter().all(is_dictionary);
        is_certain.then_some(made)
    }

    /// The class that an annotation in the function names.
    fn annotated(&self, annotation: &Expr) -> Option<Annotated> {
        let parent = self.program.function(self.function)?.parent;
        annotated(self.model, self.function.file, parent, annotation)
    }

    /// What gives a dictionary, if that is what an expression is.
    fn untyped(&self, expr: &'p Expr) -> Option<ByName<'p>> {
        by_name(self.model, self.program, self.function, expr)
    }

    /// What a loop or a comprehension goes through with this variable.
    fn gone_through(&self, node: &Node<'p>, name: &str) -> Option<&'p Expr> {
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
    fn result(&self, call: &ast::ExprCall) -> Option<Made<'p>> {
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
        annotated(self.model, file, function.parent, returns).map(Made::typed)
    }
}

/// Whether a function asks itself what the variable is or has, or gives it attributes.
pub(super) fn is_looked_into(nodes: &[Node<'_>], name: &ast::ExprName) -> bool {
    let is_it = |it: &Expr| matches!(it, Expr::Name(it) if it.id == name.id);
    nodes.iter().any(|node| match node {
        Node::Expr(Expr::Call(call)) => {
            let name = last_name(&call.func);
            let asks = name.starts_with("is_")
                || matches!(
                    name,
                    "dir" | "getattr" | "hasattr" | "isinstance" | "setattr" | "type" | "vars"
                );
            asks && call.arguments.args.first().is_some_and(is_it)
        }
        Node::Expr(Expr::Attribute(it)) => !it.ctx.is_load() && is_it(&it.value),
        Node::Stmt(Stmt::Match(it)) => is_it(&it.subject),
        _ => false,
    })
}

/// What the converter makes of a value.
struct Made<'p> {
    class: Annotated,
    /// Whether it is in a list that the converter makes.
    is_element: bool,
    /// The call that makes a dictionary instead.
    given_by: Option<ByName<'p>>,
}

impl<'p> Made<'p> {
    fn typed(class: Annotated) -> Self {
        Self {
            class,
            is_element: false,
            given_by: None,
        }
    }

    /// `said` is the class that a variable is said to have.
    fn by_name(call: ByName<'p>, said: Option<Annotated>) -> Option<Self> {
        Some(Self {
            class: said.or(call.gives)?,
            is_element: false,
            given_by: Some(call),
        })
    }

    fn list(self) -> Option<Self> {
        matches!(self.class, Annotated::List(..)).then_some(self)
    }

    fn element(self) -> Option<Self> {
        match self.class {
            Annotated::List(file, ix) => Some(Self {
                class: Annotated::One(file, ix),
                is_element: true,
                ..self
            }),
            Annotated::One(..) => None,
        }
    }
}

/// What gives what the annotation of the function says.
pub(super) const SCHEDULES: &[&str] = &[
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
