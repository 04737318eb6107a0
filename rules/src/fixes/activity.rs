//! Activities are scheduled, not called.

use lint_core::diagnostic::{Applicability, Edit, FileId, Fix, Span};
use lint_core::facts::Facade;
use lint_core::index::Function;
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr, Stmt};
use lint_core::syntax::span_of;

use super::imports::Wanted;
use super::site::{Errors, Site, joined};
use crate::hazard::Case;
use crate::rule::Context;
use crate::sites;

const TIMEDELTA: Wanted<'static> = Wanted::from("datetime", "timedelta");
const RETRY_POLICY: Wanted<'static> = Wanted::from("temporalio.common", "RetryPolicy");

/// A direct call of an activity is scheduled instead.
pub(crate) fn scheduled(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = Site::of(cx, case.hazard, case.api())?;
    let Expr::Call(call) = site.expr else {
        return None;
    };
    let Some(Resolved::Function { file, ix }) = site.resolve(&call.func) else {
        return None;
    };
    let function = cx.facts.project.module(file)?.index().function(ix);
    let is_async = function.node.is_async();
    let awaited = await_around(&site, call, is_async)?;
    if function.class.is_some() {
        return None;
    }
    let arguments = in_order(&site, call, function.node.parameters()?)?;
    let name = site.text(&call.func);
    let mut passed = vec![name.to_owned()];
    match (&arguments[..], site.facade) {
        ([], _) => {}
        // A runbook hands no `None` over.
        ([_], Facade::Runbook) if may_lack_first(cx, file, function) => return None,
        ([one], _) => passed.push((*one).to_owned()),
        (several, Facade::Temporal) => passed.push(format!("args=[{}]", several.join(", "))),
        (_, Facade::Runbook | Facade::Other) => return None,
    }
    let place = awaited.unwrap_or(span_of(call));
    let (execute, mut edits) = execute(cx, &site, place.start, passed)?;
    let outer = site.around.iter().rev().nth(usize::from(awaited.is_some()));
    let code = match awaited {
        // What is around the `await` got along with it before.
        Some(_) => format!("await {execute}"),
        None if is_async => execute,
        None => site.awaited(&execute, outer.copied()),
    };
    edits.push(site.edit(place, code));
    let title = format!("schedule `{name}`, with a timeout of five minutes");
    Some(Fix::new(title, Applicability::Unsafe, joined(edits)))
}

/// The `await` around the call of an activity, if there is one; `None` if nothing can be scheduled
/// there.
fn await_around(site: &Site<'_, '_>, call: &ast::ExprCall, is_async: bool) -> Option<Option<Span>> {
    let awaited = match site.around.last() {
        Some(Expr::Await(it)) => Some(span_of(it)),
        _ => None,
    };
    // A coroutine that is not awaited here takes the place of another one, as in `gather()`.
    let is_dropped =
        matches!(site.statement, Stmt::Expr(it) if span_of(&*it.value) == span_of(call));
    let is_possible = match (is_async, awaited) {
        (true, Some(_)) => true,
        (true, None) => !is_dropped,
        (false, None) => site.can_await(),
        (false, Some(_)) => false,
    };
    is_possible.then_some(awaited)
}

/// Whether the first argument of an activity may be `None`, and has to be given.
fn may_lack_first(cx: &Context<'_>, file: FileId, function: &Function<'_>) -> bool {
    let mut parameters = function.node.parameters().into_iter();
    let first = parameters.find_map(|it| it.iter_non_variadic_params().next());
    let source = cx.facts.project.source(file);
    first.is_some_and(|it| {
        let kind = it.annotation().zip(source);
        let kind = kind.map(|(kind, source)| source.slice(span_of(kind)));
        let may_lack = kind.is_none_or(|it| it.contains("None") || it.contains("Optional"));
        it.default().is_none() && may_lack
    })
}

/// The arguments of a call, each for one parameter.
fn in_order<'p>(
    site: &Site<'_, 'p>,
    call: &'p ast::ExprCall,
    parameters: &ast::Parameters,
) -> Option<Vec<&'p str>> {
    let takes_more = parameters.vararg.is_some()
        || parameters.kwarg.is_some()
        || !parameters.kwonlyargs.is_empty();
    let hides = sites::hides_keywords(call) || sites::hides_positions(call);
    if takes_more || hides {
        return None;
    }
    let names = parameters.iter_non_variadic_params();
    let names: Vec<&str> = names.map(|it| it.name().as_str()).collect();
    let given = call.arguments.args.iter().map(|it| site.text(it));
    let mut given: Vec<&str> = given.collect();
    for name in names.get(given.len()..)? {
        match call.arguments.find_keyword(name) {
            Some(keyword) => given.push(site.text(&keyword.value)),
            None => break,
        }
    }
    let all = call.arguments.args.len() + call.arguments.keywords.len();
    (given.len() == all).then_some(given)
}

/// A call that schedules an activity, to be awaited at this place, and the imports that it needs.
pub(super) fn execute<'p>(
    cx: &Context<'p>,
    site: &Site<'_, 'p>,
    from: u32,
    mut arguments: Vec<String>,
) -> Option<(String, Vec<Edit>)> {
    let api = site.api()?;
    let timedelta = site.bind(TIMEDELTA)?;
    let timeout = format!("{}(minutes=5)", timedelta.name);
    arguments.push(format!("start_to_close_timeout={timeout}"));
    let mut edits: Vec<Edit> = api.edit.into_iter().chain(timedelta.edit).collect();
    match (site.errors(cx), site.facade) {
        (Errors::Leave, _) => {}
        // Who catches an error does not wait for more attempts.
        (Errors::Caught, Facade::Temporal) => {
            let policy = site.bind(RETRY_POLICY)?;
            edits.extend(policy.edit);
            arguments.push(format!("retry_policy={}(maximum_attempts=1)", policy.name));
        }
        // What an activity raises arrives as an `ActivityError`.
        (Errors::Caught | Errors::Told, _) => return None,
    }
    let callee = format!("{}.execute_activity", api.name);
    let code = site.laid_out(from, "await ".len(), &callee, &arguments);
    Some((code, edits))
}
