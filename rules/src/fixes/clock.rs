//! Clocks become the time of the workflow, which a replay gives again.

use lint_core::diagnostic::{Applicability, Fix};
use lint_core::facts::WorkflowKind;
use lint_core::syntax::span_of;

use super::defaults::filled;
use super::loops::{self, Loop};
use super::passed::passed;
use super::reading::{Time, reading};
use super::site::Site;
use crate::hazard::Case;
use crate::rule::Context;

pub(crate) fn clock(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    if !has_time(case) {
        return None;
    }
    if !case.hazard.trace.is_empty() {
        return passed(cx, case).or_else(|| filled(cx, case));
    }
    let site = Site::of(cx, case.hazard, case.api())?;
    let (call, callee) = site.call()?;
    let api = site.api()?;
    let time = Time::of(site.facade, &api.name);
    let reading = reading(&callee, Some((&site, call)), &time)?;
    let (applicability, stands_still) = match loops::around(&site, loops::Time::OfWorkflow) {
        Loop::None => (reading.applicability, ""),
        Loop::Longer => (
            Applicability::Unsafe,
            ": it does not change in a loop without `await`, which ends later",
        ),
        Loop::Endless => return None,
    };
    let shown = if reading.code.contains('\n') {
        format!("`{}`", time.now)
    } else {
        format!("`{}`", reading.code)
    };
    let title = format!("replace it with {shown}{}{stands_still}", reading.caution);
    let replaced = site.edit(span_of(call), reading.code);
    let edits = api.edit.into_iter().chain([replaced]).collect();
    Some(Fix::new(title, applicability, edits))
}

/// Whether the workflow has a time when the code runs: interceptors are made before the first
/// activation, when it is still 0.
fn has_time(case: &Case<'_, '_>) -> bool {
    let is_made = matches!(case.hazard.entry.as_str(), "__init__" | "init");
    case.workflow().kind != WorkflowKind::Interceptor || !is_made
}
