//! A helper that reads a clock gets the time from the workflow that calls it.
//!
//! The functions on the way get a parameter that may be left out, so that all other code calls them
//! as before and keeps the clock. For the interpreter, the branch with the clock is dead where the
//! time is given.

use lint_core::diagnostic::{Applicability, Edit, Fix, Place};
use lint_core::facts::{Callee, ClassRef, FunctionRef, Hazard};
use lint_core::index::FunctionNode;
use lint_core::names::{Bound, Resolved};
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::imports::Wanted;
use super::loops::{self, Loop};
use super::reading::{Reading, Time, reading};
use super::signature::{Insertion, with_argument, with_parameter};
use super::site::{Site, joined};
use crate::hazard::Case;
use crate::program::{Node, nodes_of};
use crate::rule::Context;
use crate::sites;

/// How many functions may be between the workflow and the clock.
const LONGEST: usize = 3;

/// Names for the parameter.
const NAMES: [&str; 2] = ["now", "current_time"];

/// For a clock that a helper reads.
pub(super) fn passed(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let (hazard, facade) = (case.hazard, case.api());
    if hazard.read_only || hazard.may_fill || hazard.trace.len() > LONGEST {
        return None;
    }
    let steps = hazard.trace.iter().map(|it| it.place);
    let places = [hazard.place].into_iter().chain(steps);
    let sites = places.map(|it| Site::at(cx, it, facade));
    let sites = sites.collect::<Option<Vec<Site<'_, '_>>>>()?;
    let (caller, helpers) = sites.split_first().filter(|_| !is_waited_for(&sites))?;
    let (clock, helpers) = helpers.split_last()?;
    let (call, callee) = clock.call()?;
    // Differences are taken in the helper, where the time does not pass.
    if callee.starts_with("time.monotonic") || callee.starts_with("time.perf_counter") {
        return None;
    }
    let mut edits = Vec::new();
    let (mut parameter, given) = match Given::of(clock, call, &callee) {
        Some((parameter, given)) => (parameter, given),
        None => {
            let parameter = added(clock, &mut edits)?;
            let reading = reading(&callee, Some((clock, call)), &Time::named(&parameter))?;
            let caution = reading.caution;
            edits.push(either(clock, &parameter, &reading.code));
            (parameter, Given::Time { caution })
        }
    };
    let mut called = clock;
    for caller in helpers.iter().rev() {
        let call = the_call(cx, caller, called).filter(|it| is_named(caller, it, called))?;
        if !is_free(cx, hazard, (call, called), &parameter) {
            return None;
        }
        parameter = handed_on(caller, call, &parameter, &mut edits)?;
        called = caller;
    }
    let outermost = the_call(cx, caller, called)?;
    if !is_free(cx, hazard, (outermost, called), &parameter) {
        return None;
    }
    let api = caller.api()?;
    let value = match given {
        Given::Time { .. } => format!("{}.now()", api.name),
        Given::Same { .. } => {
            reading(&callee, Some((clock, call)), &Time::of(facade, &api.name))?.code
        }
    };
    match outermost.arguments.find_keyword(&parameter) {
        // Another clock of the helper brought it along.
        Some(given) if caller.text(&given.value) == value => {}
        Some(_) => return None,
        None => {
            edits.extend(api.edit);
            let argument = format!("{parameter}={value}");
            let place = with_argument(caller.source, outermost, &argument)?;
            edits.push(insertion(caller, place));
        }
    }
    let (name, caution) = (&hazard.expression, given.caution());
    let title = format!("pass the time of the workflow to `{name}`{caution}");
    Some(Fix::new(title, Applicability::Unsafe, joined(edits)))
}

/// Whether a loop on the way to the clock ends when that has moved.
fn is_waited_for(sites: &[Site<'_, '_>]) -> bool {
    let mut around = sites.iter().enumerate().map(|(at, it)| match at {
        // In the workflow, time passes.
        0 => loops::around(it, loops::Time::OfWorkflow) == Loop::Endless,
        _ => loops::around(it, loops::Time::Given) != Loop::None,
    });
    around.any(|it| it)
}

/// What a helper expects for the time.
enum Given {
    /// What the API of the workflow gives.
    Time { caution: &'static str },
    /// What the clock gives.
    Same { caution: &'static str },
}

impl Given {
    fn caution(&self) -> &'static str {
        match self {
            Self::Time { caution } | Self::Same { caution } => caution,
        }
    }

    /// The parameter of a helper that reads the clock only where it is not given the time, as
    /// somebody, or this fix, wrote it.
    fn of(clock: &Site<'_, '_>, call: &ast::ExprCall, callee: &str) -> Option<(String, Self)> {
        let own = Some((clock, call));
        let same = |name: &str| {
            let Reading { caution, .. } = reading(callee, own, &Time::named(name))?;
            // What stands at the clock may mean something else where the workflow is.
            let is_whole = call.arguments.is_empty() || caution.is_empty();
            is_whole.then(|| (name.to_owned(), Self::Same { caution }))
        };
        match clock.around.last() {
            Some(Expr::If(it)) if span_of(&*it.body) == span_of(call) => {
                let name = is_none(clock, &it.test)?;
                let reading = reading(callee, own, &Time::named(name))?;
                let caution = reading.caution;
                if clock.text(&it.orelse) == reading.code {
                    return Some((name.to_owned(), Self::Time { caution }));
                }
                is_name(&it.orelse, name).then(|| same(name))?
            }
            Some(Expr::BoolOp(it)) if it.op == ast::BoolOp::Or => match &it.values[..] {
                [Expr::Name(name), last] if span_of(last) == span_of(call) => {
                    let name = optional(clock, name.id.as_str())?;
                    same(name)
                }
                _ => None,
            },
            None => same(guarded(clock, call)?),
            _ => None,
        }
    }
}

/// The parameter that `if now is None: now = …` sets.
fn guarded<'p>(clock: &Site<'_, 'p>, call: &ast::ExprCall) -> Option<&'p str> {
    let Stmt::Assign(assign) = clock.statement else {
        return None;
    };
    let [Expr::Name(target)] = &assign.targets[..] else {
        return None;
    };
    let def = def(clock)?;
    let is_guard = |node: &Node<'_>| match node {
        Node::Stmt(Stmt::If(it)) => {
            let is_first = it.body.first().map(span_of) == Some(span_of(clock.statement));
            is_first && is_none(clock, &it.test) == Some(target.id.as_str())
        }
        _ => false,
    };
    let is_whole = span_of(&*assign.value) == span_of(call);
    (is_whole && nodes_of(&def.body).iter().any(is_guard)).then_some(target.id.as_str())
}

/// The parameter that a condition finds missing.
fn is_none<'p>(site: &Site<'_, 'p>, test: &'p Expr) -> Option<&'p str> {
    match test {
        Expr::Compare(it) => match (&*it.left, &it.ops[..], &it.comparators[..]) {
            (Expr::Name(name), [ast::CmpOp::Is], [right]) if right.is_none_literal_expr() => {
                optional(site, name.id.as_str())
            }
            _ => None,
        },
        Expr::UnaryOp(it) if it.op == ast::UnaryOp::Not => match &*it.operand {
            Expr::Name(name) => optional(site, name.id.as_str()),
            _ => None,
        },
        _ => None,
    }
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Name(it) if it.id.as_str() == name)
}

/// A parameter of the function that is `None` where it is left out.
fn optional<'p>(site: &Site<'_, 'p>, name: &'p str) -> Option<&'p str> {
    let parameters = &def(site)?.parameters;
    let found = parameters
        .iter_non_variadic_params()
        .find(|it| it.name().as_str() == name)?;
    found.default()?.is_none_literal_expr().then_some(name)
}

fn def<'p>(site: &Site<'_, 'p>) -> Option<&'p ast::StmtFunctionDef> {
    match site.module.index().function(site.function).node {
        FunctionNode::Def(def) => Some(def),
        FunctionNode::Module(_) | FunctionNode::Lambda(_) => None,
    }
}

/// The parameter that the function around a site got for another clock.
fn known<'p>(site: &Site<'_, 'p>) -> Option<&'p str> {
    nodes_of(&def(site)?.body).into_iter().find_map(|node| {
        let Node::Expr(Expr::If(it)) = node else {
            return None;
        };
        let name = is_none(site, &it.test)?;
        let clock = it.body.as_call_expr()?;
        let callee = site.external(&clock.func)?;
        let reading = reading(&callee, Some((site, clock)), &Time::named(name))?;
        (site.text(&it.orelse) == reading.code).then_some(name)
    })
}

/// Gives the function around a site a parameter for the time, and returns its name.
fn added(site: &Site<'_, '_>, edits: &mut Vec<Edit>) -> Option<String> {
    let def = def(site)?;
    if let Some(known) = known(site) {
        return Some(known.to_owned());
    }
    let keeps_signature = |it: &ast::Decorator| {
        let name = site.external(&it.expression);
        matches!(name.as_deref(), Some("staticmethod" | "classmethod"))
    };
    if !def.decorator_list.iter().all(keeps_signature) {
        return None;
    }
    let is_free = |name: &&str| site.names.is_bound(site.file, site.function, name) == Bound::No;
    let name = NAMES.into_iter().find(is_free)?;
    let class = site.bind(Wanted::from("datetime", "datetime"));
    let (kind, import) = match class {
        Some(class) => (class.name, class.edit),
        None => {
            let module = site.bind(Wanted {
                module: "datetime",
                name: None,
            })?;
            (format!("{}.datetime", module.name), module.edit)
        }
    };
    edits.extend(import);
    let parameter = format!("{name}: {kind} | None = None");
    let place = with_parameter(site.source, def, &parameter)?;
    edits.push(insertion(site, place));
    Some(name.to_owned())
}

/// Makes a function of the chain hand on what it is given, and returns the name of its parameter.
fn handed_on(
    caller: &Site<'_, '_>,
    call: &ast::ExprCall,
    parameter: &str,
    edits: &mut Vec<Edit>,
) -> Option<String> {
    if let Some(given) = call.arguments.find_keyword(parameter) {
        let Expr::Name(name) = &given.value else {
            return None;
        };
        return optional(caller, name.id.as_str()).map(str::to_owned);
    }
    let own = added(caller, edits)?;
    let argument = format!("{parameter}={own}");
    let place = with_argument(caller.source, call, &argument)?;
    edits.push(insertion(caller, place));
    Some(own)
}

/// The clock, unless the time is given.
fn either(clock: &Site<'_, '_>, parameter: &str, given: &str) -> Edit {
    let read = clock.text(clock.expr);
    let code = format!("{read} if {parameter} is None else {given}");
    let stands_alone = match clock.around.last() {
        None => matches!(
            clock.statement,
            Stmt::Assign(_) | Stmt::AnnAssign(_) | Stmt::Return(_)
        ),
        Some(Expr::Call(it)) => span_of(&*it.func).end < span_of(clock.expr).start,
        _ => false,
    };
    let code = if stands_alone {
        code
    } else {
        format!("({code})")
    };
    clock.edit(span_of(clock.expr), code)
}

fn insertion(site: &Site<'_, '_>, (span, text): Insertion) -> Edit {
    site.edit(span, text)
}

/// The call at a site, if all that it runs in workflows is the function around the other one.
fn the_call<'p>(
    cx: &Context<'_>,
    caller: &Site<'_, 'p>,
    called: &Site<'_, '_>,
) -> Option<&'p ast::ExprCall> {
    let call = caller.expr.as_call_expr()?;
    let place = Place {
        file: caller.file,
        span: span_of(call),
    };
    let function = FunctionRef {
        file: called.file,
        ix: called.function,
    };
    let own = called.module.index().function(called.function);
    let class = own.class.map(|ix| ClassRef {
        file: called.file,
        ix,
    });
    let is_it = |callee: &Callee| match callee {
        Callee::Function(it) => *it == function,
        Callee::Class(it) => Some(*it) == class && own.qualname.ends_with(".__init__"),
        Callee::External(_) | Callee::Callback(_) => false,
    };
    let callees = cx.facts.observed.calls.get(&place)?;
    let hides = call.arguments.keywords.iter().any(|it| it.arg.is_none());
    (callees.iter().all(is_it) && !hides).then_some(call)
}

/// Whether a call in a helper names the function, so that it runs nothing else when other code calls
/// the helper.
fn is_named(caller: &Site<'_, '_>, call: &ast::ExprCall, called: &Site<'_, '_>) -> bool {
    let own = called.module.index().function(called.function);
    let is_init = own.qualname.ends_with(".__init__");
    match caller.resolve(&call.func) {
        Some(Resolved::Function { file, ix }) => {
            (file, ix) == (called.file, called.function)
                && (own.class.is_none() || !call.func.is_attribute_expr())
        }
        Some(Resolved::Class { file, ix }) => {
            is_init && file == called.file && own.class == Some(ix)
        }
        _ => false,
    }
}

/// Whether a call can give the parameter, and gives the time to all that is called.
fn is_free(
    cx: &Context<'_>,
    hazard: &Hazard,
    (call, called): (&ast::ExprCall, &Site<'_, '_>),
    parameter: &str,
) -> bool {
    !may_be_given(call, called, parameter) && !is_reached_otherwise(cx, hazard, called, parameter)
}

/// Whether a call may give a parameter by its position.
fn may_be_given(call: &ast::ExprCall, called: &Site<'_, '_>, parameter: &str) -> bool {
    let function = called.module.index().function(called.function);
    let parameters = function.node.parameters().into_iter();
    let mut by_position = parameters.flat_map(|it| it.posonlyargs.iter().chain(&it.args));
    let at = by_position.position(|it| it.name().as_str() == parameter);
    // The instance is not written.
    let own = usize::from(function.class.is_some());
    at.is_some_and(|at| sites::hides_positions(call) || call.arguments.args.len() + own > at)
}

/// Whether workflows also call the function where no finding tells, as in a recursion: the clock
/// would still be read there.
fn is_reached_otherwise(
    cx: &Context<'_>,
    hazard: &Hazard,
    called: &Site<'_, '_>,
    parameter: &str,
) -> bool {
    let gives_time = |place: Place| {
        let site = Site::at(cx, place, called.facade);
        let call = site.and_then(|it| it.expr.as_call_expr());
        call.is_none_or(|it| it.arguments.find_keyword(parameter).is_some())
    };
    let function = called.function_ref();
    let others = hazard
        .trace
        .last()
        .map(|clock| cx.callers_beside_ways(clock.place, function));
    others.is_some_and(|it| it.iter().any(|it| !gives_time(*it)))
}
