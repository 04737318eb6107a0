//! What has to happen outside of workflows moves into an activity.

use lint_core::diagnostic::{Applicability, Edit, Fix, Place, Span};
use lint_core::facts::{Facade, Hazard};
use lint_core::syntax::span_of;

use super::activity::execute;
use super::asynchronous::waiting;
use super::home::{Home, imported_names, passed};
use super::inputs::Inputs;
use super::site::{Site, joined};
use super::taken::Extract;
use super::workers;
use crate::hazard::Case;
use crate::rule::Context;
use crate::secrets::{names_secret, uses_secret};

/// Moves an expression into an activity: of its bundle, or beside those that the workflow has.
pub(crate) fn extracted(cx: &Context<'_>, case: &Case<'_, '_>) -> Option<Fix> {
    let facade = case.api();
    let site = Site::of(cx, case.hazard, facade)?;
    if site.is_in_comprehension() || !case.workflow().is_workflow() {
        return None;
    }
    let extract = Extract::of(site, case)?;
    // What an activity takes and returns stays in the history.
    let tells_secret = extract.gives != "bool" && names_secret(extract.expr);
    if tells_secret || uses_secret(extract.expr) {
        return None;
    }
    let site = &extract.site;
    let inputs = Inputs::of(cx, &extract, &called(case.hazard))?;
    let home = match facade {
        Facade::Runbook => Home::of_bundle(cx, site)?,
        Facade::Temporal => Home::of_workflow(cx, site)?,
        Facade::Other => return None,
    };
    let function = |name: &str| inputs.function(&extract, name, &home);
    let (name, is_there) = home.name(cx, site, &inputs.verb, |name| function(name).0)?;
    let (mut edits, new_files) = match is_there {
        true => (Vec::new(), Vec::new()),
        false => {
            let (text, mut needed) = function(&name);
            needed.extend(inputs.imports.iter().copied());
            home.with(cx, site, &text, &needed)?
        }
    };
    let names = imported_names(&name, inputs.fields.len());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (prefix, import) = home.import(cx, site, &names)?;
    edits.extend(call(cx, &extract, &inputs, &prefix, &name)?);
    // Below other imports that the call needs.
    edits.extend(import);
    let activity = workers::New {
        name: &name,
        prefix: &prefix,
        is_there,
    };
    let registered = workers::registered(cx, case.workflow(), &home, activity, &mut edits);
    let waits = waiting(cx, site)?;
    edits.extend(waits.edits);
    let to_do = workers::to_do(registered, &name);
    let caution = format!("{}{}", waits.caution, workers::and_register(to_do.as_ref()));
    let title =
        format!("move it into a new activity `{name}`, with a timeout of five minutes{caution}");
    let group = Place {
        file: site.file,
        span: Span::default(),
    };
    Some(Fix {
        new_files,
        group: Some(group),
        to_do,
        ..Fix::new(title, Applicability::Unsafe, joined(edits))
    })
}

/// What is called: of a resource the method, and not the making of it.
fn called(hazard: &Hazard) -> String {
    let first = hazard.first_call.as_deref().unwrap_or_default();
    let method = first.trim_end_matches("()").rsplit_once('.');
    match method.filter(|(_, method)| method.chars().all(|c| c.is_alphanumeric() || c == '_')) {
        Some((_, method)) => format!("{}.{method}", hazard.culprit),
        None => hazard.culprit.clone(),
    }
}

/// The edits at the place of the expression.
fn call<'p>(
    cx: &Context<'p>,
    extract: &Extract<'_, 'p>,
    inputs: &Inputs<'_>,
    prefix: &str,
    name: &str,
) -> Option<Vec<Edit>> {
    let site = &extract.site;
    let fields = inputs.fields.iter();
    let fields: Vec<(&str, &str)> = fields.map(|it| (it.name.as_str(), it.passed)).collect();
    let passed = passed(prefix, name, &fields);
    let (code, mut edits) = execute(cx, site, span_of(extract.expr).start, passed)?;
    let parent = extract.depth.checked_sub(1).map(|it| site.around[it]);
    edits.push(site.edit(span_of(extract.expr), site.awaited(&code, parent)));
    Some(edits)
}
