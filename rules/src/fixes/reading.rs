//! Readings of clocks, and how the time of a workflow is written instead.

use lint_core::diagnostic::Applicability;
use lint_core::facts::Facade;
use lint_core::index::MODULE_BODY;
use lint_core::names::Resolved;
use lint_core::syntax::ast::{self, Expr};

use super::site::Site;

use Applicability::{Safe, Unsafe};

/// How to write the time at some place.
pub(super) struct Time {
    /// With the time zone UTC.
    pub(super) now: String,
    seconds: String,
    nanoseconds: Option<String>,
}

impl Time {
    /// That of a workflow, by the name of its API.
    pub(super) fn of(facade: Facade, api: &str) -> Self {
        match facade {
            Facade::Temporal => Self {
                now: format!("{api}.now()"),
                seconds: format!("{api}.time()"),
                nanoseconds: Some(format!("{api}.time_ns()")),
            },
            Facade::Runbook | Facade::Other => Self::named(&format!("{api}.now()")),
        }
    }

    /// That which an expression gives, as `workflow.now()` would.
    pub(super) fn named(now: &str) -> Self {
        Self {
            now: now.to_owned(),
            seconds: format!("{now}.timestamp()"),
            nanoseconds: None,
        }
    }
}

/// What to write for a reading of a clock.
pub(super) struct Reading {
    pub(super) code: String,
    pub(super) applicability: Applicability,
    /// What is different afterwards.
    pub(super) caution: &'static str,
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

/// What gives the time as this does: a call at a site, or a function that is called elsewhere and
/// gets no arguments.
pub(super) fn reading(
    callee: &str,
    called: Option<(&Site<'_, '_>, &ast::ExprCall)>,
    time: &Time,
) -> Option<Reading> {
    let is_bare = called.is_none_or(|(_, call)| call.arguments.is_empty());
    let now = &time.now;
    let naive = format!("{now}.replace(tzinfo=None)");
    let is_instant = called.is_some_and(|(site, _)| is_instant(site));
    Some(match callee {
        // What has no zone is in that of the worker, so that the instant is the same.
        "datetime.datetime.now" | "datetime.datetime.today" if is_bare && is_instant => {
            Reading::safe(now)
        }
        "datetime.datetime.utcnow" if is_bare && is_instant => Reading::with_caution(
            now,
            ": the instant itself, not moved by the time zone of the worker",
        ),
        "datetime.datetime.now" | "datetime.datetime.today" if is_bare => {
            Reading::with_caution(naive, LOCAL)
        }
        "datetime.datetime.now" => with_zone(called?, now, naive)?,
        "datetime.datetime.utcnow" if is_bare => Reading::safe(naive),
        "datetime.date.today" if is_bare => Reading::with_caution(format!("{now}.date()"), LOCAL),
        "time.time" if is_bare => Reading::safe(&time.seconds),
        "time.time_ns" if is_bare => Reading::safe(time.nanoseconds.as_ref()?),
        "time.monotonic" | "time.perf_counter" if is_bare => {
            Reading::with_caution(&time.seconds, ": it counts from 1970, and differences stay")
        }
        "time.monotonic_ns" | "time.perf_counter_ns" if is_bare => {
            let code = time.nanoseconds.as_ref()?;
            Reading::with_caution(code, ": it counts from 1970, and differences stay")
        }
        "time.strftime" => {
            let (site, call) = called?;
            let ([format], []) = (&call.arguments.args[..], &call.arguments.keywords[..]) else {
                return None;
            };
            let format = site.text(format);
            Reading::with_caution(format!("{now}.strftime({format})"), LOCAL)
        }
        _ => return None,
    })
}

/// Whether all that is taken from a time without a zone is the instant: `datetime.now().timestamp()`.
fn is_instant(site: &Site<'_, '_>) -> bool {
    let mut around = site.around.iter().rev();
    // The time may be given instead.
    let outer = around.find(|it| !matches!(it, Expr::If(_) | Expr::BoolOp(_)));
    let method = outer.and_then(|it| it.as_attribute_expr());
    method.is_some_and(|it| matches!(it.attr.as_str(), "timestamp" | "astimezone"))
}

/// `datetime.now(zone)`.
fn with_zone(
    (site, call): (&Site<'_, '_>, &ast::ExprCall),
    now: &str,
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
        return Some(Reading::safe(now));
    }
    let code = format!("{now}.astimezone({})", site.text(zone));
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
                    let callee = site.names.resolve(file, MODULE_BODY, &call.func);
                    makes_zone(call, callee.and_then(|it| it.external().map(str::to_owned)))
                }
                _ => false,
            },
            _ => false,
        },
    }
}
