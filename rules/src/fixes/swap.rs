//! Calls for which the workflow API has one of its own.

use std::collections::BTreeSet;

use lint_core::diagnostic::{Applicability, Edit, FileId, Fix, Span};
use lint_core::facts::{Elements, Facade};
use lint_core::index::{ClassIx, FunctionIx, MODULE_BODY};
use lint_core::names::{Base, Bound, Names, Resolved};
use lint_core::syntax::ast::visitor::{Visitor, walk_expr};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::asynchronous::waiting;
use super::imports::Wanted;
use super::inputs::declared;
use super::site::{Bind, Site, joined};
use crate::hazard::Case;
use crate::program::{Node, nodes_of, own_nodes};
use crate::rule::Context;

use Applicability::{Safe, Unsafe};

/// The functions of `random` that are methods of a generator, too.
const OF_GENERATORS: &[&str] = &[
    "betavariate",
    "binomialvariate",
    "choice",
    "choices",
    "expovariate",
    "gammavariate",
    "gauss",
    "getrandbits",
    "lognormvariate",
    "normalvariate",
    "paretovariate",
    "randbytes",
    "randint",
    "random",
    "randrange",
    "sample",
    "shuffle",
    "triangular",
    "uniform",
    "vonmisesvariate",
    "weibullvariate",
];

fn replaced(
    site: &Site<'_, '_>,
    (title, applicability): (String, Applicability),
    (span, code): (Span, String),
    bound: Bind,
) -> Fix {
    let edit = site.edit(span, code);
    let edits: Vec<Edit> = bound.edit.into_iter().chain([edit]).collect();
    Fix::new(title, applicability, edits)
}

/// The site, unless the workflow is a runbook: its facade has less than Temporal's API.
fn temporal<'c, 'p>(cx: &'c Context<'p>, case: &Case<'_, '_>) -> Option<Site<'c, 'p>> {
    let facade = case.api();
    (facade == Facade::Temporal)
        .then(|| Site::of(cx, case.hazard, facade))
        .flatten()
}

pub(crate) fn uuid(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = temporal(cx, case)?;
    let (call, callee) = site.call()?;
    if !call.arguments.is_empty() {
        return None;
    }
    let (method, applicability, caution) = match callee.as_str() {
        "uuid.uuid4" => ("uuid4", Safe, ""),
        "uuid.uuid1" | "uuid.uuid6" => ("uuid4", Unsafe, ": a UUID of another version"),
        "uuid.uuid7" => ("uuid7", Unsafe, ", which newer SDKs have"),
        _ => return None,
    };
    let api = site.api()?;
    let code = format!("{}.{method}()", api.name);
    let what = (format!("replace it with `{code}`{caution}"), applicability);
    Some(replaced(&site, what, (span_of(call), code), api))
}

pub(crate) fn randomness(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = temporal(cx, case)?;
    let (call, callee) = site.call()?;
    let method = callee.strip_prefix("random.")?;
    if !OF_GENERATORS.contains(&method) {
        return None;
    }
    let api = site.api()?;
    let code = format!("{}.random().{method}", api.name);
    let (applicability, caution) = match is_seeded(&site) {
        false => (Safe, ""),
        true => (Unsafe, ": the seed that is set here has no part in it"),
    };
    let what = (
        format!("replace it with `{code}()`{caution}"),
        applicability,
    );
    Some(replaced(&site, what, (span_of(&*call.func), code), api))
}

/// Whether the function gives the generator that is drawn from a seed.
fn is_seeded(site: &Site<'_, '_>) -> bool {
    let function = site.module.index().function(site.function);
    own_nodes(Some(function)).any(|node| match node {
        Node::Expr(Expr::Call(it)) => site.external(&it.func).as_deref() == Some("random.seed"),
        _ => false,
    })
}

pub(crate) fn asyncio(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = temporal(cx, case)?;
    let (call, callee) = site.call()?;
    let is_plain_loop = || matches!(site.statement, Stmt::For(it) if !it.is_async && span_of(&*it.iter) == span_of(call));
    let (method, applicability, caution) = match callee.as_str() {
        "asyncio.wait" if needs_sets(&site) => return None,
        "asyncio.wait" => ("wait", Unsafe, ": it gives lists instead of sets"),
        "asyncio.as_completed" if is_plain_loop() => ("as_completed", Safe, ""),
        _ => return None,
    };
    let api = site.api()?;
    let code = format!("{}.{method}", api.name);
    let what = (
        format!("replace it with `{code}()`{caution}"),
        applicability,
    );
    let by_name = call.arguments.find_keyword("fs").map(|it| &it.value);
    let listed = as_elements(&site, call.arguments.args.first().or(by_name)?)?;
    let mut fix = replaced(&site, what, (span_of(&*call.func), code), api);
    fix.edits.extend(listed);
    Some(fix)
}

/// The edits that make a list of a set that is written out, whose order would matter; `None` for
/// another set.
fn as_elements(site: &Site<'_, '_>, given: &Expr) -> Option<Vec<Edit>> {
    let span = span_of(given);
    let at = |start: u32, code: &str| site.edit(Span::new(start, start + 1), code);
    match given {
        Expr::Set(_) => Some(vec![at(span.start, "["), at(span.end - 1, "]")]),
        _ => (!Written::of(site, given).is_set(site.names)).then(Vec::new),
    }
}

/// Whether the function does with what the statement of the site sets what only sets can.
fn needs_sets(site: &Site<'_, '_>) -> bool {
    const OF_SETS: &[&str] = &[
        "add",
        "difference",
        "difference_update",
        "discard",
        "intersection",
        "intersection_update",
        "isdisjoint",
        "issubset",
        "issuperset",
        "symmetric_difference",
        "symmetric_difference_update",
        "union",
        "update",
    ];
    let Stmt::Assign(assign) = site.statement else {
        return false;
    };
    let names = assign.targets.iter().flat_map(|it| match it {
        Expr::Tuple(it) => it.elts.iter(),
        only => std::slice::from_ref(only).iter(),
    });
    let names: Vec<&str> = names
        .filter_map(|it| Some(it.as_name_expr()?.id.as_str()))
        .collect();
    let is_one = |it: &Expr| {
        it.as_name_expr()
            .is_some_and(|it| names.contains(&it.id.as_str()))
    };
    let function = site.module.index().function(site.function);
    own_nodes(Some(function)).any(|node| match node {
        Node::Expr(Expr::Attribute(it)) => OF_SETS.contains(&it.attr.as_str()) && is_one(&it.value),
        Node::Expr(Expr::BinOp(it)) => is_one(&it.left) || is_one(&it.right),
        Node::Stmt(Stmt::AugAssign(it)) => is_one(&it.target) || is_one(&it.value),
        _ => false,
    })
}

/// `time.sleep()` becomes a timer. In a function outside of workflows `asyncio.sleep()` is right, too.
pub(crate) fn sleep(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let place = match case.hazard.trace.last() {
        _ if case.hazard.read_only => return None,
        Some(step) => step.place,
        None => case.hazard.place,
    };
    let site = Site::at(cx, place, case.api())?;
    let (call, callee) = site.call()?;
    let is_one = call.arguments.args.len() == 1 && call.arguments.keywords.is_empty();
    if callee != "time.sleep" || !is_one {
        return None;
    }
    let waits = waiting(cx, &site)?;
    let asyncio = site.bind(Wanted {
        module: "asyncio",
        name: None,
    })?;
    let seconds = site.text(&call.arguments.args[0]);
    let code = format!("{}.sleep({seconds})", asyncio.name);
    let code = site.awaited(&code, site.around.last().copied());
    let caution = waits.caution;
    let title =
        format!("wait with a timer{caution}: open executions do not have it in their history");
    let mut edits = waits.edits;
    edits.push(site.edit(span_of(call), code));
    edits.extend(asyncio.edit);
    Some(Fix::new(title, Unsafe, joined(edits)))
}

/// What is printed or logged goes to the logger of the workflow.
pub(crate) fn logger(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    const METHODS: &[&str] = &[
        "critical",
        "debug",
        "error",
        "exception",
        "info",
        "log",
        "warning",
    ];
    let site = Site::of(cx, case.hazard, case.api())?;
    let Expr::Call(call) = site.expr else {
        return None;
    };
    let title = |name: &str| format!("write to `{name}.logger`, which is silent in replays");
    if site.external(&call.func).as_deref() == Some("print") {
        let messages = &call.arguments.args;
        let is_statement = matches!(site.statement, Stmt::Expr(it) if span_of(it) == span_of(call));
        let is_plain =
            call.arguments.keywords.is_empty() && !messages.iter().any(Expr::is_starred_expr);
        if messages.is_empty() || !is_plain || !is_statement {
            return None;
        }
        let api = site.api()?;
        let mut code = format!("{}.logger.info", api.name);
        let mut span = span_of(&*call.func);
        if messages.len() > 1 {
            let format = vec!["%s"; messages.len()].join(" ");
            code.push_str(&format!("(\"{format}\", "));
            span.end = span_of(&messages[0]).start;
        }
        let what = (title(&api.name), Unsafe);
        return Some(replaced(&site, what, (span, code), api));
    }
    let Expr::Attribute(method) = &*call.func else {
        return None;
    };
    let culprit = &case.hazard.culprit;
    // The message of loguru is formatted in another way, unless it is all there is, and what is bound
    // to a logger of its own belongs to the message.
    let is_plain = site.external(&method.value).as_deref() == Some("loguru.logger");
    let is_alone = is_plain && call.arguments.args.len() == 1 && call.arguments.keywords.is_empty();
    // An adapter adds to the messages.
    let is_adapter = culprit.starts_with("logging.LoggerAdapter");
    let is_logger = culprit.starts_with("logging.") && !is_adapter
        || culprit.starts_with("loguru.logger.") && is_alone;
    if !is_logger || !METHODS.contains(&method.attr.as_str()) {
        return None;
    }
    let api = site.api()?;
    let code = format!("{}.logger", api.name);
    let what = (title(&api.name), Unsafe);
    Some(replaced(&site, what, (span_of(&*method.value), code), api))
}

/// A set in an order of its own.
pub(crate) fn sorted(cx: &Context<'_>, case: &Case<'_, '_>, elements: Elements) -> Option<Fix> {
    if elements == Elements::Address {
        return None;
    }
    let site = Site::of(cx, case.hazard, case.api())?;
    if site.names.is_bound(site.file, site.function, "sorted") != Bound::No {
        return None;
    }
    if let Some((list, set)) = as_list(&site) {
        let (applicability, caution) = comparable(cx, &site, set)?;
        let title = format!("use `sorted()`{caution}");
        let edits = vec![site.edit(span_of(list), "sorted")];
        return Some(Fix::new(title, applicability, edits));
    }
    let set = compared(&site, the_set(&site, &case.hazard.written)?);
    // Something else may be handed over that only holds a set.
    let is_set = Written {
        expr: set,
        file: site.file,
        function: site.function,
    }
    .is_set(site.names);
    if !is_set && !is_iterated(&site, set) {
        return None;
    }
    let (applicability, caution) = comparable(cx, &site, set)?;
    let code = format!("sorted({})", site.text(set));
    let title = format!("use `sorted()`{caution}");
    let edits = vec![site.edit(span_of(set), code)];
    Some(Fix::new(title, applicability, edits))
}

/// What a sort or a choice goes through that has a key of its own, or the expression itself.
fn compared<'p>(site: &Site<'_, 'p>, expression: &'p Expr) -> &'p Expr {
    let Expr::Call(call) = expression else {
        return expression;
    };
    match (
        site.external(&call.func).as_deref(),
        &call.arguments.args[..],
    ) {
        (Some("min" | "max" | "sorted"), [of]) => of,
        _ => expression,
    }
}

/// What code does with a set whose order matters, as far as something else is better for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetUse {
    /// One of its elements is taken.
    Taken,
    /// The elements are compared by a key that some share.
    Compared,
    /// It is written out.
    WrittenOut,
    /// It is made of the keys of a mapping by an operator.
    OfKeys,
    /// It is made of other elements by `set()`.
    OfElements,
    Other,
}

pub(crate) fn set_use(cx: &Context<'_>, case: &Case<'_, '_>) -> SetUse {
    let Some(site) = Site::at(cx, case.hazard.culprit_place(), case.api()) else {
        return SetUse::Other;
    };
    let around = site.around.iter().rev().take(2).copied();
    let mut calls = std::iter::once(site.expr)
        .chain(around)
        .filter_map(Expr::as_call_expr);
    if calls.any(|it| site.external(&it.func).as_deref() == Some("next")) {
        return SetUse::Taken;
    }
    if let Expr::Call(call) = site.expr {
        match site.external(&call.func).as_deref() {
            Some("min" | "max" | "sorted") if call.arguments.find_keyword("key").is_some() => {
                return SetUse::Compared;
            }
            _ => {}
        }
        let method = call.func.as_attribute_expr();
        if method.is_some_and(|it| it.attr.as_str() == "pop") {
            return SetUse::Taken;
        }
    }
    let Some(set) = whole_set(&site).or_else(|| the_set(&site, &case.hazard.written)) else {
        return SetUse::Other;
    };
    let is_keys = |it: &Expr| {
        let method = it.as_call_expr().and_then(|it| it.func.as_attribute_expr());
        method.is_some_and(|it| it.attr.as_str() == "keys")
    };
    match Written::of(&site, set).expr {
        Expr::Set(_) => SetUse::WrittenOut,
        Expr::BinOp(it) if is_keys(&it.left) => SetUse::OfKeys,
        Expr::Call(it)
            if !it.arguments.is_empty() && site.external(&it.func).as_deref() == Some("set") =>
        {
            SetUse::OfElements
        }
        _ => SetUse::Other,
    }
}

/// How sure it is that the elements of a set can be compared; `None` if some surely cannot.
fn comparable(
    cx: &Context<'_>,
    site: &Site<'_, '_>,
    set: &Expr,
) -> Option<(Applicability, &'static str)> {
    if has_one_kind(set) {
        return Some((Safe, ""));
    }
    let of_type = element_type(site, set);
    if of_type.is_some_and(|it| !may_be_ordered(cx, site, it)) {
        return None;
    }
    let written = Written::of(site, set);
    let elements = written.elements(site.names);
    let kinds: BTreeSet<&str> = elements.iter().filter_map(kind).collect();
    let fails = kinds.len() > 1
        || elements.len() > 1 && kinds.contains("None")
        || elements.iter().any(|it| written.is_without_order(cx, it));
    (!fails).then_some((Unsafe, ": its elements have to be comparable"))
}

/// The type of the elements of a set, or of what it is made of, as far as it is declared in the
/// function.
fn element_type<'p>(site: &Site<'_, 'p>, set: &'p Expr) -> Option<&'p Expr> {
    match set {
        Expr::Name(name) => {
            let kind = declared(site, name)?.as_subscript_expr()?;
            (!kind.slice.is_tuple_expr()).then_some(&*kind.slice)
        }
        Expr::Call(call) => match &call.arguments.args[..] {
            [of] if matches!(
                site.external(&call.func)?.as_str(),
                "set" | "frozenset" | "list"
            ) =>
            {
                element_type(site, of)
            }
            _ => None,
        },
        Expr::SetComp(it) => match (&*it.elt, &it.generators[..]) {
            (Expr::Name(element), [generator]) => {
                let target = generator.target.as_name_expr()?;
                (target.id == element.id).then_some(())?;
                element_type(site, &generator.iter)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether all values of a type may be compared with each other.
fn may_be_ordered(cx: &Context<'_>, site: &Site<'_, '_>, kind: &Expr) -> bool {
    match kind {
        Expr::NoneLiteral(_) => false,
        Expr::BinOp(it) => {
            may_be_ordered(cx, site, &it.left) && may_be_ordered(cx, site, &it.right)
        }
        Expr::Subscript(it) => {
            let name = site.external(&it.value);
            let parts = match &*it.slice {
                Expr::Tuple(parts) => &parts.elts[..],
                only => std::slice::from_ref(only),
            };
            !matches!(name.as_deref(), Some("typing.Optional" | "dict"))
                && parts.iter().all(|it| may_be_ordered(cx, site, it))
        }
        Expr::Name(_) | Expr::Attribute(_) => match site.resolve(kind) {
            Some(Resolved::Class { file, ix }) => {
                !is_without_order(cx, file, ix, true) && !is_without_order(cx, file, ix, false)
            }
            _ => true,
        },
        _ => true,
    }
}

/// Whether instances of a class, or members of an enumeration, have no `<`.
fn is_without_order(cx: &Context<'_>, file: FileId, ix: ClassIx, is_instance: bool) -> bool {
    let names = cx.names();
    let itself = Base::Class { file, ix };
    let mut bases = names.bases(file, ix);
    bases.retain(|it| *it != itself);
    let is_plain = |it: &Base| match it {
        Base::External(name) => match is_instance {
            true => matches!(name.as_str(), "object" | "pydantic.BaseModel"),
            false => matches!(name.as_str(), "enum.Enum" | "enum.Flag"),
        },
        Base::Class { .. } | Base::Unknown => false,
    };
    let plain = bases.iter().all(is_plain) && (is_instance || !bases.is_empty());
    plain && !names.binds_in_class(file, ix, "__lt__") && !is_ordered(cx, file, ix)
}

/// An expression, or the only value of a variable, and where its names are looked up.
struct Written<'p> {
    expr: &'p Expr,
    file: FileId,
    function: FunctionIx,
}

impl<'p> Written<'p> {
    fn of(site: &Site<'_, 'p>, expr: &'p Expr) -> Self {
        let value = match (expr, site.resolve(expr)) {
            (_, Some(Resolved::Variable { file, name })) => {
                let value = site.names.value(file, &name);
                value.map(|value| (file, MODULE_BODY, value))
            }
            (Expr::Name(it), _) => {
                let value = site
                    .names
                    .local_value(site.file, site.function, it.id.as_str());
                value.map(|(function, value)| (site.file, function, value))
            }
            _ => None,
        };
        let (file, function, expr) = value.unwrap_or((site.file, site.function, expr));
        Self {
            expr,
            file,
            function,
        }
    }

    /// Whether it can be nothing but a set.
    fn is_set(&self, names: &Names<'_>) -> bool {
        match self.expr {
            Expr::Set(_) | Expr::SetComp(_) => true,
            Expr::Call(call) => {
                let name = names.resolve(self.file, self.function, &call.func);
                let name = name.as_ref().and_then(Resolved::external);
                matches!(name, Some("set" | "frozenset"))
            }
            _ => false,
        }
    }

    /// The elements of a set that is written out.
    fn elements(&self, names: &Names<'_>) -> &'p [Expr] {
        match self.expr {
            Expr::Set(it) => &it.elts,
            Expr::Call(call) if self.is_set(names) => match &call.arguments.args[..] {
                [Expr::List(it)] => &it.elts,
                [Expr::Tuple(it)] => &it.elts,
                _ => &[],
            },
            _ => &[],
        }
    }

    /// Whether an element is a member of an enumeration, or an instance, of a class without `<`.
    fn is_without_order(&self, cx: &Context<'_>, element: &Expr) -> bool {
        let class = match element {
            Expr::Attribute(it) => &*it.value,
            Expr::Call(it) => &*it.func,
            _ => return false,
        };
        let class = cx.names().resolve(self.file, self.function, class);
        let Some(Resolved::Class { file, ix }) = class else {
            return false;
        };
        is_without_order(cx, file, ix, element.is_call_expr())
    }
}

/// What an element is compared with others of.
fn kind(element: &Expr) -> Option<&'static str> {
    Some(match element {
        Expr::StringLiteral(_) | Expr::FString(_) => "str",
        Expr::BytesLiteral(_) => "bytes",
        Expr::NumberLiteral(_) | Expr::BooleanLiteral(_) => "number",
        Expr::NoneLiteral(_) => "None",
        Expr::Tuple(_) => "tuple",
        _ => return None,
    })
}

/// Whether a decorator may give a class its `<`.
fn is_ordered(cx: &Context<'_>, file: FileId, ix: ClassIx) -> bool {
    let Some(module) = cx.facts.project.module(file) else {
        return true;
    };
    let decorators = &module.index().class(ix).node.decorator_list;
    decorators.iter().any(|it| {
        let (name, has_order) = match &it.expression {
            Expr::Call(call) => (&*call.func, call.arguments.find_keyword("order").is_some()),
            name => (name, false),
        };
        let name = cx.names().resolve(file, MODULE_BODY, name);
        let name = name.as_ref().and_then(Resolved::external);
        has_order || !matches!(name, Some("dataclasses.dataclass" | "enum.unique"))
    })
}

/// The function and the argument of `list(names)`, which `sorted(names)` gives in order.
fn as_list<'p>(site: &Site<'_, 'p>) -> Option<(&'p Expr, &'p Expr)> {
    let (call, callee) = site.call()?;
    match (&call.arguments.args[..], &call.arguments.keywords[..]) {
        ([set], []) if callee == "list" && !set.is_starred_expr() => Some((&call.func, set)),
        _ => None,
    }
}

/// What an expression goes through as a whole: `str(names)`, `", ".join(names)`, `*names`,
/// `[name for name in names]`.
fn whole_set<'p>(site: &Site<'_, 'p>) -> Option<&'p Expr> {
    match site.expr {
        Expr::Starred(it) => Some(&it.value),
        Expr::ListComp(it) => Some(&it.generators.first()?.iter),
        Expr::Generator(it) => Some(&it.generators.first()?.iter),
        Expr::Call(it) => match (&it.arguments.args[..], &it.arguments.keywords[..]) {
            ([only], []) => {
                let callee = site.external(&it.func);
                let makes_set = matches!(callee.as_deref(), Some("set" | "frozenset"));
                (!makes_set && !only.is_starred_expr()).then_some(only)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The expression of the set at the site, as it is written, if it is the only one.
fn the_set<'p>(site: &Site<'_, 'p>, written: &str) -> Option<&'p Expr> {
    struct Sets<'p, 'w> {
        text: &'p str,
        written: &'w str,
        found: Vec<&'p Expr>,
        is_fixed: bool,
    }
    impl<'p> Visitor<'p> for Sets<'p, '_> {
        fn visit_expr(&mut self, expression: &'p Expr) {
            // What a method or an operator takes is no longer a set when it is sorted.
            let outer = self.is_fixed;
            let span = span_of(expression);
            let text = |span: Span| &self.text[span.start as usize..span.end as usize];
            // What is long is named by what it calls.
            let is_it = match expression {
                Expr::Call(call) => {
                    let func = text(span_of(&*call.func));
                    text(span) == self.written || self.written.strip_suffix("()") == Some(func)
                }
                _ => text(span) == self.written,
            };
            if !outer && is_it {
                self.found.push(expression);
                return;
            }
            self.is_fixed = matches!(
                expression,
                Expr::Attribute(_) | Expr::BinOp(_) | Expr::Compare(_) | Expr::Subscript(_)
            );
            walk_expr(self, expression);
            self.is_fixed = outer;
        }
    }
    let mut sets = Sets {
        text: &site.source.text,
        written,
        found: Vec::new(),
        is_fixed: matches!(
            site.around.last(),
            Some(Expr::Attribute(_) | Expr::BinOp(_) | Expr::Compare(_) | Expr::Subscript(_))
        ),
    };
    sets.visit_expr(site.expr);
    match sets.found[..] {
        [set] => Some(set),
        _ => None,
    }
}

/// Whether the code goes through the elements right there.
fn is_iterated(site: &Site<'_, '_>, set: &Expr) -> bool {
    const GO_THROUGH: &[&str] = &[
        "enumerate",
        "filter",
        "iter",
        "list",
        "map",
        "next",
        "reversed",
        "tuple",
        "zip",
    ];
    let is_it = |it: &Expr| span_of(it) == span_of(set);
    let in_generators = |it: &[ast::Comprehension]| it.iter().any(|it| is_it(&it.iter));
    let goes_through = |node: &Node<'_>| match node {
        Node::Stmt(Stmt::For(it)) => is_it(&it.iter),
        Node::Expr(Expr::Call(it)) => {
            let name = site.external(&it.func);
            let goes = name.is_some_and(|it| GO_THROUGH.contains(&it.as_str()));
            let joins = matches!(&*it.func, Expr::Attribute(it) if it.attr.as_str() == "join");
            (goes || joins) && it.arguments.args.iter().any(is_it)
        }
        Node::Expr(Expr::ListComp(it)) => in_generators(&it.generators),
        Node::Expr(Expr::Generator(it)) => in_generators(&it.generators),
        Node::Expr(Expr::DictComp(it)) => in_generators(&it.generators),
        Node::Expr(Expr::Starred(it)) => is_it(&it.value),
        _ => false,
    };
    nodes_of(std::slice::from_ref(site.statement))
        .iter()
        .any(goes_through)
}

/// Whether the set is written out, with elements that have an order among each other.
fn has_one_kind(set: &Expr) -> bool {
    let Expr::Set(ast::ExprSet { elts, .. }) = set else {
        return false;
    };
    elts.iter().all(Expr::is_string_literal_expr) || elts.iter().all(Expr::is_number_literal_expr)
}
