//! Clocks become the time of the workflow, which a replay gives again.

use lint_core::diagnostic::{Applicability, Fix};
use lint_core::facts::Facade;
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr};
use lint_core::syntax::span_of;

use super::site::Site;
use crate::hazard::Case;
use crate::rule::Context;

use Applicability::{Safe, Unsafe};

/// What to write for a reading of a clock, after the name of the facade.
struct Reading {
    code: String,
    applicability: Applicability,
    /// What is different afterwards.
    caution: &'static str,
}

impl Reading {
    fn safe(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            applicability: Safe,
            caution: "",
        }
    }

    fn with_caution(code: impl Into<String>, caution: &'static str) -> Self {
        Self {
            code: code.into(),
            applicability: Unsafe,
            caution,
        }
    }
}

const LOCAL: &str = ": UTC instead of the local time of the worker";

pub(crate) fn clock(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let site = Site::of(cx, case.hazard, case.workflow().facade)?;
    let (call, callee) = site.call()?;
    let api = site.api()?;
    let reading = reading(&site, call, &callee, &api.name)?;
    let shown = if reading.code.contains('\n') {
        format!("`{}.now()`", api.name)
    } else {
        format!("`{}`", reading.code)
    };
    let title = format!("replace it with {shown}{}", reading.caution);
    let replaced = site.edit(span_of(call), reading.code);
    let edits = api.edit.into_iter().chain([replaced]).collect();
    Some(Fix::new(title, reading.applicability, edits))
}

fn reading(site: &Site<'_, '_>, call: &ast::ExprCall, callee: &str, api: &str) -> Option<Reading> {
    let arguments = &call.arguments;
    let is_bare = arguments.args.is_empty() && arguments.keywords.is_empty();
    let naive = format!("{api}.now().replace(tzinfo=None)");
    let seconds = match site.facade {
        Facade::Temporal => format!("{api}.time()"),
        Facade::Runbook | Facade::Other => format!("{api}.now().timestamp()"),
    };
    Some(match callee {
        "datetime.datetime.now" if !is_bare => with_zone(site, call, api, naive)?,
        "datetime.datetime.now" | "datetime.datetime.today" if is_bare => {
            Reading::with_caution(naive, LOCAL)
        }
        "datetime.datetime.utcnow" if is_bare => Reading::safe(naive),
        "datetime.date.today" if is_bare => {
            Reading::with_caution(format!("{api}.now().date()"), LOCAL)
        }
        "time.time" if is_bare => Reading::safe(seconds),
        "time.time_ns" if is_bare && site.facade == Facade::Temporal => {
            Reading::safe(format!("{api}.time_ns()"))
        }
        "time.monotonic" | "time.perf_counter" if is_bare => {
            Reading::with_caution(seconds, ": it counts from 1970, and differences stay")
        }
        "time.strftime" if arguments.args.len() == 1 && arguments.keywords.is_empty() => {
            let format = site.text(&arguments.args[0]);
            Reading::with_caution(format!("{api}.now().strftime({format})"), LOCAL)
        }
        _ => return None,
    })
}

/// `datetime.now(zone)`.
fn with_zone(
    site: &Site<'_, '_>,
    call: &ast::ExprCall,
    api: &str,
    naive: String,
) -> Option<Reading> {
    let arguments = &call.arguments;
    let zone = match (&arguments.args[..], &arguments.keywords[..]) {
        ([zone], []) => zone,
        ([], [keyword]) if keyword.arg.as_ref().is_some_and(|it| it.as_str() == "tz") => {
            &keyword.value
        }
        _ => return None,
    };
    if zone.is_starred_expr() {
        return None;
    }
    if zone.is_none_literal_expr() {
        return Some(Reading::with_caution(naive, LOCAL));
    }
    let is_utc = matches!(
        site.external(zone).as_deref(),
        Some("datetime.timezone.utc" | "datetime.UTC")
    );
    if is_utc {
        return Some(Reading::safe(format!("{api}.now()")));
    }
    let code = format!("{api}.now().astimezone({})", site.text(zone));
    Some(if is_surely_zone(site, zone) {
        Reading::safe(code)
    } else {
        Reading::with_caution(code, ": if the zone is `None`, the time is no longer naive")
    })
}

fn is_surely_zone(site: &Site<'_, '_>, zone: &Expr) -> bool {
    let makes_zone = |call: &ast::ExprCall, callee: Option<String>| {
        let makers = ["zoneinfo.ZoneInfo", "datetime.timezone", "pytz.timezone"];
        !call.arguments.is_empty() && callee.is_some_and(|it| makers.contains(&it.as_str()))
    };
    match zone {
        Expr::Call(call) => makes_zone(call, site.external(&call.func)),
        _ => match site.resolve(zone) {
            Some(Resolved::External(name)) => name == "pytz.utc" || name == "pytz.UTC",
            Some(Resolved::Variable { file, name }) => match site.names.value(file, &name) {
                Some(Expr::Call(call)) => {
                    let callee =
                        site.names
                            .resolve(file, lint_core::index::MODULE_BODY, &call.func);
                    makes_zone(call, callee.and_then(|it| it.external().map(str::to_owned)))
                }
                _ => false,
            },
            _ => false,
        },
    }
}
