//! What the body of an activity takes from the place where it was.

use std::collections::{BTreeMap, BTreeSet};

use lint_core::diagnostic::{Place, Span};
use lint_core::index::{FunctionNode, MODULE_BODY};
use lint_core::names::{Bound, Resolved};
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::home::Home;
use super::imports::{Wanted, import_statements};
use super::recorded::{assigned, is_data, literal};
use super::site::Site;
use super::taken::Extract;
use crate::program::{Node, nodes_of, own_nodes};
use crate::rule::Context;

/// What a workflow asks about itself.
const OF_WORKFLOWS: &[&str] = &["ntro.workflow.runbook", "temporalio.workflow"];

/// A parameter of the activity, or a field of its only one.
pub(super) struct Field<'p> {
    pub(super) name: String,
    /// What is passed for it.
    pub(super) passed: &'p str,
    kind: &'p str,
}

pub(super) struct Inputs<'p> {
    pub(super) fields: Vec<Field<'p>>,
    pub(super) imports: Vec<Wanted<'p>>,
    /// The body, which names the parameters as fields of one input if they are several.
    body: String,
    pub(super) verb: String,
}

impl<'p> Inputs<'p> {
    pub(super) fn of(cx: &Context<'p>, extract: &Extract<'_, 'p>, culprit: &str) -> Option<Self> {
        let site = &extract.site;
        let mut free = Free::default();
        free.visit_expr(extract.expr);
        if free.is_opaque {
            return None;
        }
        let mut fields: BTreeMap<&str, (&'p str, &'p str)> = BTreeMap::new();
        let mut needed = Vec::new();
        let mut spots: Vec<(Span, &str)> = Vec::new();
        for &expr in &free.names {
            let root = root(expr)?;
            if let Some(wanted) = imported_here(site, expr, root) {
                needed.push(wanted?);
            } else if site.is_shadowed(root) {
                // A method of a variable may do anything.
                if free.called.contains(&span_of(expr)) {
                    return None;
                }
                let field = field(site, expr, root)?;
                let text = site.text(expr);
                let kind = kind_of(cx, site, expr)?;
                let (passed, _) = *fields.entry(field).or_insert((text, kind));
                if passed != text {
                    return None;
                }
                spots.push((span_of(expr), field));
            } else if site.names.is_bound(site.file, MODULE_BODY, root) == Bound::Yes {
                // Code of the project may import the activities in its turn.
                let member = site.names.member(site.file, root)?;
                // Only workflows have their API.
                let is_elsewhere = |it: &&str| !OF_WORKFLOWS.contains(it);
                let external = member.external().filter(is_elsewhere);
                needed.push(external.and_then(|_| imported(site, root))?);
            }
        }
        let several = fields.len() > 1;
        let body = substituted(site, span_of(extract.expr), &mut spots, several);
        let fields = fields.into_iter().map(|(name, (passed, kind))| Field {
            name: name.to_owned(),
            passed,
            kind,
        });
        Some(Self {
            fields: fields.collect(),
            imports: needed,
            body,
            verb: verb(extract, culprit),
        })
    }

    /// The definition of the activity, and what it needs to be imported.
    pub(super) fn function(
        &self,
        extract: &Extract<'_, '_>,
        name: &str,
        home: &Home,
    ) -> (String, Vec<Wanted<'static>>) {
        let mut needed = vec![home.activity()];
        let fields = self.fields.iter().map(|it| (it.name.as_str(), it.kind));
        let fields: Vec<(&str, &str)> = fields.collect();
        let (parameters, class) = home.input(name, &fields, &mut needed);
        let gives = extract.gives;
        if gives.contains("Any") || self.fields.iter().any(|it| it.kind == "Any") {
            needed.push(Wanted::from("typing", "Any"));
        }
        if gives.starts_with("uuid.") {
            needed.push(Wanted {
                module: "uuid",
                name: None,
            });
        }
        let body = &self.body;
        let (start, body) = match (home.is_sync, extract.blocks) {
            (true, _) => ("def", body.clone()),
            (false, false) => ("async def", body.clone()),
            // Activities share an event loop, too.
            (false, true) => {
                needed.push(Wanted {
                    module: "asyncio",
                    name: None,
                });
                (
                    "async def",
                    format!("await asyncio.to_thread(lambda: {body})"),
                )
            }
        };
        let signature = format!("{start} {name}({parameters})");
        let code = class + &home.definition(name, &signature, gives, &body);
        (code, needed)
    }
}

/// The names of an expression, with the attributes that are taken from them.
#[derive(Default)]
struct Free<'p> {
    names: Vec<&'p Expr>,
    /// Those of them that are called.
    called: Vec<Span>,
    /// Whether it has a scope of its own, or stops the function.
    is_opaque: bool,
}

impl<'p> Visitor<'p> for Free<'p> {
    fn visit_expr(&mut self, expression: &'p Expr) {
        match expression {
            Expr::Attribute(_) | Expr::Name(_) if root(expression).is_some() => {
                self.names.push(expression);
            }
            Expr::Lambda(_)
            | Expr::ListComp(_)
            | Expr::SetComp(_)
            | Expr::DictComp(_)
            | Expr::Generator(_)
            | Expr::Await(_)
            | Expr::Named(_)
            | Expr::Yield(_)
            | Expr::YieldFrom(_) => self.is_opaque = true,
            _ => {
                if let Expr::Call(call) = expression {
                    self.called.push(span_of(&*call.func));
                }
                walk_expr(self, expression);
            }
        }
    }
}

fn root(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => root(&attribute.value),
        _ => None,
    }
}

/// The name of the parameter for a variable, or for an attribute of one.
fn field<'p>(site: &Site<'_, 'p>, expr: &'p Expr, root: &'p str) -> Option<&'p str> {
    let Expr::Attribute(attribute) = expr else {
        let is_self = site.names.self_class(site.file, site.function, root);
        return is_self.is_none().then_some(root);
    };
    let name = attribute.attr.as_str().trim_start_matches('_');
    (!name.is_empty()).then_some(name)
}

/// The type of a variable or an attribute; `None` if it may be one of which a payload keeps something
/// else.
fn kind_of<'p>(cx: &Context<'p>, site: &Site<'_, 'p>, expr: &'p Expr) -> Option<&'p str> {
    if let Some(kind) = annotation(cx, site, expr) {
        return Some(kind);
    }
    let index = site.module.index();
    let (declared, values) = match expr {
        Expr::Name(name) => {
            let FunctionNode::Def(def) = index.function(site.function).node else {
                return Some("Any");
            };
            let values = assigned(&def.body, name.id.as_str()).collect();
            (declared(site, name), values)
        }
        Expr::Attribute(it) => {
            let name = it.value.as_name_expr().map(|it| it.id.as_str());
            let class = name.and_then(|it| site.names.self_class(site.file, site.function, it));
            match class {
                Some(class) => attribute(index.class(class).node, it.attr.as_str()),
                None => return Some("Any"),
            }
        }
        _ => return None,
    };
    if let Some(declared) = declared {
        return is_plain(declared).then(|| site.text(declared));
    }
    let kinds = values.into_iter().map(|it| kind_of_value(cx, site, it));
    let kinds: Option<BTreeSet<&str>> = kinds.collect();
    match kinds?.into_iter().collect::<Vec<_>>()[..] {
        [only] => Some(only),
        _ => Some("Any"),
    }
}

/// How an attribute of instances is declared, and what is assigned to it.
fn attribute<'p>(class: &'p ast::StmtClassDef, name: &str) -> (Option<&'p Expr>, Vec<&'p Expr>) {
    let is_it = |target: &Expr| match target {
        Expr::Name(it) => it.id.as_str() == name,
        Expr::Attribute(it) => it.attr.as_str() == name && it.value.is_name_expr(),
        _ => false,
    };
    let own = class.body.iter().filter(|it| !it.is_function_def_stmt());
    let own = own.flat_map(|it| nodes_of(std::slice::from_ref(it)));
    let methods = class.body.iter().filter_map(Stmt::as_function_def_stmt);
    let nodes = own.chain(methods.flat_map(|it| nodes_of(&it.body)));
    let (mut declared, mut values) = (None, Vec::new());
    for node in nodes {
        match node {
            Node::Stmt(Stmt::Assign(it)) if it.targets.iter().any(is_it) => values.push(&*it.value),
            Node::Stmt(Stmt::AnnAssign(it)) if is_it(&it.target) => {
                declared = declared.or(Some(&*it.annotation));
            }
            _ => {}
        }
    }
    (declared, values)
}

/// The type of what is assigned.
fn kind_of_value<'p>(cx: &Context<'p>, site: &Site<'_, 'p>, value: &'p Expr) -> Option<&'p str> {
    let place = Place {
        file: site.file,
        span: span_of(value),
    };
    let Some(inner) = Site::at(cx, place, site.facade) else {
        // In the body of a class.
        return literal(site, value);
    };
    let body = match inner.module.index().function(inner.function).node {
        FunctionNode::Def(def) => &def.body[..],
        FunctionNode::Lambda(_) | FunctionNode::Module(_) => &[],
    };
    let known = literal(&inner, value).or_else(|| annotation(cx, &inner, value));
    let is_data = || is_data(&inner, body, value, 0);
    known.or_else(|| match returned(cx, &inner, value) {
        Some(Some(kind)) => is_plain(kind.1).then_some(kind.0),
        Some(None) => Some("Any"),
        None => is_data().then_some("Any"),
    })
}

/// For a call of a function of the project, also as an activity: what it says that it returns, as it
/// is written and as it was parsed.
fn returned<'p>(
    cx: &Context<'p>,
    site: &Site<'_, 'p>,
    value: &'p Expr,
) -> Option<Option<(&'p str, &'p Expr)>> {
    let call = match value {
        Expr::Await(it) => it.value.as_call_expr()?,
        _ => value.as_call_expr()?,
    };
    let is_scheduled = site
        .external(&call.func)
        .is_some_and(|it| it.contains("workflow.") && it.contains(".execute_"));
    let function = match is_scheduled {
        true => call.arguments.args.first()?,
        false => &*call.func,
    };
    let project = cx.facts.project;
    match site.resolve(function) {
        Some(Resolved::Function { file, ix }) => {
            let def = match project.module(file)?.index().function(ix).node {
                FunctionNode::Def(def) => def,
                FunctionNode::Lambda(_) | FunctionNode::Module(_) => return None,
            };
            let source = project.source(file)?;
            let kind = def.returns.as_deref();
            // What an activity gives was recorded already.
            match kind {
                None if !is_scheduled => None,
                kind => Some(kind.map(|it| (source.slice(span_of(it)), it))),
            }
        }
        _ => is_scheduled.then_some(None),
    }
}

/// The type of a variable or an attribute, if everybody knows it.
pub(super) fn annotation<'p>(
    cx: &Context<'p>,
    site: &Site<'_, 'p>,
    expr: &Expr,
) -> Option<&'p str> {
    let (name, attribute) = match expr {
        Expr::Name(name) => (name, None),
        Expr::Attribute(it) => (it.value.as_name_expr()?, Some(it.attr.as_str())),
        _ => return None,
    };
    let kind = declared(site, name)?;
    let Some(attribute) = attribute else {
        return is_plain(kind).then(|| site.text(kind));
    };
    let Resolved::Class { file, ix } = site.resolve(kind)? else {
        return None;
    };
    let class = cx.facts.project.module(file)?.index().class(ix).node;
    let mut fields = class.body.iter().filter_map(Stmt::as_ann_assign_stmt);
    let is_it = |it: &&ast::StmtAnnAssign| {
        let target = it.target.as_name_expr();
        target.is_some_and(|it| it.id.as_str() == attribute)
    };
    let kind = &*fields.find(is_it)?.annotation;
    let source = cx.facts.project.source(file)?;
    is_plain(kind).then(|| source.slice(span_of(kind)))
}

/// The type that a parameter or a local variable is declared with.
pub(super) fn declared<'p>(site: &Site<'_, 'p>, name: &ast::ExprName) -> Option<&'p Expr> {
    let function = site.module.index().function(site.function);
    let parameters = function.node.parameters().into_iter();
    let mut parameters = parameters.flat_map(|it| it.iter_non_variadic_params());
    let parameter = parameters.find(|it| it.name().as_str() == name.id.as_str());
    let of_parameter = parameter.and_then(|it| it.annotation());
    of_parameter.or_else(|| {
        own_nodes(Some(function)).find_map(|node| match node {
            Node::Stmt(Stmt::AnnAssign(it)) => {
                let target = it.target.as_name_expr()?;
                (target.id == name.id).then_some(&*it.annotation)
            }
            _ => None,
        })
    })
}

/// Whether a type is made of what needs no import.
fn is_plain(kind: &Expr) -> bool {
    match kind {
        Expr::Name(it) => {
            ["bool", "bytes", "dict", "float", "int", "list", "str"].contains(&it.id.as_str())
        }
        Expr::NoneLiteral(_) => true,
        Expr::BinOp(it) => {
            it.op == ast::Operator::BitOr && is_plain(&it.left) && is_plain(&it.right)
        }
        Expr::Subscript(it) => {
            let parts = match &*it.slice {
                Expr::Tuple(parts) => &parts.elts[..],
                only => std::slice::from_ref(only),
            };
            is_plain(&it.value) && parts.iter().all(is_plain)
        }
        _ => false,
    }
}

/// The import that binds a name of the module.
pub(super) fn imported<'p>(site: &Site<'_, 'p>, name: &str) -> Option<Wanted<'p>> {
    let statements = import_statements(site.module.tree()).into_iter();
    binding(statements.map(|(_, it)| it), name)
}

/// The import in the function, or in one around it, that binds a name: of something outside of the
/// project, and nothing else binds it.
fn imported_here<'p>(site: &Site<'_, 'p>, expr: &Expr, name: &str) -> Option<Option<Wanted<'p>>> {
    let index = site.module.index();
    let around = std::iter::successors(Some(site.function), |it| Some(index.function(*it).parent));
    let around = around.take_while(|it| *it != MODULE_BODY);
    let nodes = around.flat_map(|it| own_nodes(Some(index.function(it))));
    let statements = nodes.filter_map(|it| match it {
        Node::Stmt(it) => Some(it),
        Node::Expr(_) => None,
    });
    let binds = |it: &&Stmt| {
        let is_it = |it: &ast::Alias| match &it.asname {
            Some(alias) => alias.as_str() == name,
            None => it.name.as_str().split('.').next() == Some(name),
        };
        match it {
            Stmt::Import(it) => it.names.iter().any(is_it),
            Stmt::ImportFrom(it) => it.names.iter().any(is_it),
            _ => false,
        }
    };
    let found: Vec<&Stmt> = statements.filter(binds).collect();
    if found.is_empty() {
        return None;
    }
    let is_alone = !site.names.is_set_again(site.file, site.function, name);
    let is_external = site.resolve(expr).is_some_and(|it| it.external().is_some());
    let wanted = binding(found.into_iter(), name);
    Some(wanted.filter(|_| is_alone && is_external))
}

/// The statement among these that imports a name.
fn binding<'p>(statements: impl Iterator<Item = &'p Stmt>, name: &str) -> Option<Wanted<'p>> {
    let mut found = None;
    for statement in statements {
        match statement {
            Stmt::Import(it) => {
                for alias in it.names.iter().filter(|it| it.asname.is_none()) {
                    let module = alias.name.as_str();
                    if module == name || module.starts_with(&format!("{name}.")) {
                        found = Some(Wanted { module, name: None });
                    }
                }
            }
            Stmt::ImportFrom(it) if it.level == 0 => {
                let module = it.module.as_ref()?.as_str();
                let mut names = it.names.iter().filter(|it| it.asname.is_none());
                if let Some(alias) = names.find(|it| it.name.as_str() == name) {
                    found = Some(Wanted {
                        module,
                        name: Some(alias.name.as_str()),
                    });
                }
            }
            _ => {}
        }
    }
    found
}

/// The text of the expression with the names of the parameters.
fn substituted(
    site: &Site<'_, '_>,
    span: Span,
    spots: &mut [(Span, &str)],
    several: bool,
) -> String {
    spots.sort();
    let mut text = String::new();
    let mut done = span.start;
    for (spot, field) in spots {
        text.push_str(site.source.slice(Span::new(done, spot.start)));
        if several {
            text.push_str("input.");
        }
        text.push_str(field);
        done = spot.end;
    }
    text.push_str(site.source.slice(Span::new(done, span.end)));
    text
}

/// A name for what an expression does.
fn verb(extract: &Extract<'_, '_>, culprit: &str) -> String {
    if culprit == "os.getenv" || culprit.starts_with("os.environ") {
        let variable = variable(extract.expr).map(|it| it.to_lowercase());
        let is_name = |it: &String| it.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let variable = variable.filter(is_name);
        let is_without = match extract.expr {
            Expr::UnaryOp(_) => true,
            Expr::Compare(it) => it.ops.contains(&ast::CmpOp::NotIn),
            _ => false,
        };
        let does = match extract.gives {
            "bool" if is_without => "lacks",
            "bool" => "has",
            _ => "read",
        };
        return format!("{does}_{}", variable.as_deref().unwrap_or("environment"));
    }
    let does = match (culprit, extract.gives) {
        ("open" | "pathlib.Path.write_text", "None") => "write",
        ("open" | "pathlib.Path.read_bytes" | "pathlib.Path.read_text", _) => "read",
        _ => "get",
    };
    if let Some(target) = target(&extract.site) {
        return format!("{does}_{target}");
    }
    match (culprit, does) {
        ("open", _) => format!("{does}_file"),
        ("uuid.uuid1" | "uuid.uuid4", _) => "new_uuid".to_owned(),
        _ => match culprit.rsplit('.').collect::<Vec<_>>()[..] {
            // The activity must not take the name of what it calls.
            [only] => format!("call_{only}"),
            [last, before, ..] => format!("{before}_{last}").to_lowercase(),
            [] => "call".to_owned(),
        },
    }
}

/// The only text in a reading of the environment, or the first.
fn variable(expr: &Expr) -> Option<&str> {
    struct Texts<'p>(Option<&'p str>);
    impl<'p> Visitor<'p> for Texts<'p> {
        fn visit_expr(&mut self, expr: &'p Expr) {
            match expr {
                Expr::StringLiteral(it) => self.0 = self.0.or(Some(it.value.to_str())),
                _ => walk_expr(self, expr),
            }
        }
    }
    let mut texts = Texts(None);
    texts.visit_expr(expr);
    texts.0.filter(|it| !it.is_empty())
}

/// The variable that the whole statement sets.
fn target<'p>(site: &Site<'_, 'p>) -> Option<&'p str> {
    let target = match site.statement {
        Stmt::Assign(it) => match &it.targets[..] {
            [Expr::Name(name)] => name,
            _ => return None,
        },
        Stmt::AnnAssign(it) => it.target.as_name_expr()?,
        _ => return None,
    };
    let name = target.id.trim_matches('_');
    (name.len() > 2).then_some(name)
}
