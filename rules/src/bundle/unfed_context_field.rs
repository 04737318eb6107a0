use lint_core::diagnostic::Diagnostic;
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;

use super::invalid_config_schema::fields;
use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::key::misspelled;
use crate::runbook_md::view::View;
use crate::runbook_md::{context, view};

/// ## What it does
/// Finds required fields of a runbook's input for which there is no setting in `config_schema` and
/// which the platform does not fill in.
///
/// ## Why restrict this?
/// A run that is started from the UI or by a schedule fails at once, since Pydantic misses the field.
/// Where runs are started in another way, by a parent or over the API, the caller may well pass it.
///
/// ## Example
/// ```markdown path=runbooks/tax-voucher/runbook.md
/// ---
/// slug: tax-voucher
/// name: Tax voucher
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/tax-voucher/templates/workflow.py
/// from pydantic import BaseModel
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class TaxVoucherContext(BaseModel):
///     tenant_slug: str
///     tax_year: int  # RB517
///
///
/// @runbook.defn
/// class TaxVoucherWorkflow(NtroWorkflow):
///     @runbook.step(name="print", title="Print", icon="Printer")
///     async def _step_print(self, ctx: TaxVoucherContext) -> int:
///         return ctx.tax_year
///
///     @runbook.run
///     async def run(self, ctx: TaxVoucherContext) -> int:
///         return await self._step_print(ctx)
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/tax-voucher/runbook.md
/// ---
/// slug: tax-voucher
/// name: Tax voucher
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// config_schema:
///   global:
///     tax_year: { type: number, description: First calendar year of the tax year }
/// ---
/// ```
/// ```python path=runbooks/tax-voucher/templates/__init__.py
/// ```
/// ```python path=runbooks/tax-voucher/templates/activities.py
/// ```
/// ```python path=runbooks/tax-voucher/templates/workflow.py
/// from pydantic import BaseModel
///
/// from ntro.workflow import NtroWorkflow, runbook
///
///
/// class TaxVoucherContext(BaseModel):
///     tenant_slug: str
///     tax_year: int
///
///
/// @runbook.defn
/// class TaxVoucherWorkflow(NtroWorkflow):
///     @runbook.step(name="print", title="Print", icon="Printer")
///     async def _step_print(self, ctx: TaxVoucherContext) -> int:
///         return ctx.tax_year
///
///     @runbook.run
///     async def run(self, ctx: TaxVoucherContext) -> int:
///         return await self._step_print(ctx)
/// ```
///
/// ## Limits
/// Runbooks that another one of the project runs as a child are left out. Known to be filled in are
/// `tenant_id`, `tenant_slug`, `entity_id`, `entity_slug`, `ai`, `gl` and `period`.
#[derive(RuleMetadata)]
#[rule(
    code = "RB517",
    severity = "info",
    category = "bundle",
    since = "0.1.0",
    summary = "a required field of the input is filled by no setting",
    default = false
)]
pub(crate) struct UnfedContextField;

const INJECTED: [&str; 7] = [
    "tenant_id",
    "tenant_slug",
    "entity_id",
    "entity_slug",
    "ai",
    "gl",
    "period",
];

impl Rule for UnfedContextField {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for (view, md) in view::with_md(cx) {
            let Some(runbook) = view.runbook() else {
                continue;
            };
            if md.root().is_none() || is_child(&view) {
                continue;
            }
            let Some(input) = context::input(&cx.model, runbook) else {
                continue;
            };
            // Settings under a misspelled key are reported as such.
            let mut keys = md
                .root()
                .into_iter()
                .flat_map(|it| &it.entries)
                .filter_map(|it| it.key.string());
            if keys.any(|key| misspelled(key, &["config_schema"]).is_some()) {
                continue;
            }
            let schema = md.get("config_schema").and_then(|it| it.value.mapping());
            let settings: Vec<&str> = schema
                .map_or(Vec::new(), fields)
                .into_iter()
                .filter_map(|(step, _, field)| field.key.string().filter(|_| step.is_none()))
                .collect();
            for field in input.fields.iter().filter(|it| it.is_required) {
                let is_fed = |name: &String| {
                    INJECTED.contains(&name.as_str()) || settings.contains(&name.as_str())
                };
                if field.names.iter().any(is_fed) {
                    continue;
                }
                let name = &field.names[0];
                let message = format!(
                    "no setting of `runbook.md` fills the required field {}",
                    code(name)
                );
                Finding::new(&Self::METADATA, field.place.file, field.place.span, message)
                    .in_runbook(runbook)
                    .help(format!(
                        "add {} to `config_schema.global`, or give the field a default",
                        code(name)
                    ))
                    .report(report);
            }
        }
    }
}

/// Whether code of the project runs it as a child.
fn is_child(view: &View<'_, '_>) -> bool {
    view.cx.model.calls.iter().any(|site| {
        let keyword = match site.base_method() {
            Some("run_child_workflow" | "run_child_workflows") => "slug",
            Some("collect_documents") => "runbook_slug",
            _ => return false,
        };
        match site.call.arguments.find_keyword(keyword) {
            Some(it) => {
                let slug = view
                    .cx
                    .model
                    .names
                    .const_str(site.file, site.function, &it.value);
                slug.is_none_or(|it| it == view.slug())
            }
            None => keyword == "runbook_slug" && view.slug() == "document-ingest",
        }
    })
}
