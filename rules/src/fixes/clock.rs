//! Clocks become the time of the workflow, which a replay gives again.

use lint_core::diagnostic::Fix;
use lint_core::facts::WorkflowKind;
use lint_core::syntax::span_of;

use super::defaults::filled;
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
    let site = Site::of(cx, case.hazard, case.workflow().facade)?;
    let (call, callee) = site.call()?;
    let api = site.api()?;
    let time = Time::of(site.facade, &api.name);
    let reading = reading(&callee, Some((&site, call)), &time)?;
    let shown = if reading.code.contains('\n') {
        format!("`{}`", time.now)
    } else {
        format!("`{}`", reading.code)
    };
    let title = format!("replace it with {shown}{}", reading.caution);
    let replaced = site.edit(span_of(call), reading.code);
    let edits = api.edit.into_iter().chain([replaced]).collect();
    Some(Fix::new(title, reading.applicability, edits))
}

/// Whether the workflow has a time when the code runs. Converters run in clients and activities,
/// too, and interceptors are made before the first activation, when it is still 0.
fn has_time(case: &Case<'_, '_>) -> bool {
    match case.workflow().kind {
        WorkflowKind::Class | WorkflowKind::Function => true,
        WorkflowKind::Interceptor => !matches!(case.hazard.entry.as_str(), "__init__" | "init"),
        WorkflowKind::Converter => false,
    }
}
