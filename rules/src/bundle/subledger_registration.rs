use lint_core::diagnostic::{Diagnostic, Severity};
use lint_core::rule::RuleMetadata;
use lint_core::syntax::span_of;
use rules_macros::RuleMetadata;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::subledger::{self, Derives, Owner, PLATFORM_TYPES};

/// ## What it does
/// Checks the subledger types that a bundle registers: `owner_runbook` must be the slug of the bundle,
/// the name must be free and fit for a table, the class must be a `Row`.
///
/// ## Why is this bad?
/// `owner_runbook` tells the platform that the type belongs to this bundle, also after it was deployed
/// again. The registry of a worker knows each name once: who registers one of the platform's own
/// types, `expenses` or `journal_proposals`, ends with a `TypeAlreadyRegisteredError` when the module
/// is imported, and so does a class that is no `Row` with a `TypeError`. These are errors, the rest are
/// warnings.
///
/// ## Example
/// ```markdown path=runbooks/rent-roll/runbook.md
/// ---
/// slug: rent-roll
/// name: Rent roll
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/rent-roll/subledgers/rent_line.py
/// from ntro.subledger import Row, register_type
///
///
/// @register_type("rent_line")  # RB520
/// class RentLineRow(Row):
///     unit: str
///     amount: float
/// ```
/// ```text
/// runbooks/rent-roll/migrations/001_subledger_rent_line.sql
/// ```
/// A name of the platform:
/// ```markdown path=runbooks/rent-roll/runbook.md
/// ---
/// slug: rent-roll
/// name: Rent roll
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/rent-roll/subledgers/expenses.py
/// from ntro.subledger import Row, register_type
///
///
/// @register_type("expenses", owner_runbook="rent-roll")  # RB520
/// class ServiceChargeRow(Row):
///     unit: str
///     amount: float
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/rent-roll/runbook.md
/// ---
/// slug: rent-roll
/// name: Rent roll
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/rent-roll/subledgers/rent_line.py
/// from ntro.subledger import Row, register_type
///
///
/// @register_type("rent_line", owner_runbook="rent-roll")
/// class RentLineRow(Row):
///     unit: str
///     amount: float
/// ```
/// ```yaml path=runbooks/rent-roll/migrations/001_subledger_rent_line.sql
/// CREATE TABLE IF NOT EXISTS ledgers.rent_line (
///     id uuid PRIMARY KEY,
///     entity_id uuid NOT NULL,
///     period text NOT NULL,
///     unit text NOT NULL,
///     amount numeric NOT NULL
/// );
/// ```
///
/// ## Limits
/// The documentation says that two bundles may register one name with different shapes. `ntro` 0.1.2
/// raises an error when both are loaded into one worker, whatever their owners are, hence the warning.
#[derive(RuleMetadata)]
#[rule(
    code = "RB520",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "a subledger type that is registered wrongly"
)]
pub(crate) struct SubledgerRegistration;

impl Rule for SubledgerRegistration {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        let registrations = subledger::registrations(cx);
        for it in &registrations {
            let at = |span, message: String| Finding::new(&Self::METADATA, it.file, span, message);
            if it.derives == Derives::No {
                at(
                    span_of(&it.class.name),
                    format!(
                        "the subledger class {} is not a `Row`",
                        code(it.class.name.as_str())
                    ),
                )
                .severity(Severity::Error)
                .help("derive it from `ntro.subledger.Row`")
                .report(report);
            }
            let name = it.name.as_deref();
            if let Some(name) = name.filter(|name| PLATFORM_TYPES.contains(name)) {
                at(
                    it.name_span,
                    format!("the platform already has a subledger type {}", code(name)),
                )
                .severity(Severity::Error)
                .help("choose another name, or use the platform's type")
                .report(report);
                continue;
            }
            let slug = it.view.slug();
            match &it.owner {
                Owner::Missing => {
                    let message = format!(
                        "the subledger type {} has no owner",
                        code(name.unwrap_or("?"))
                    );
                    let help = format!("add {}", code(&format!("owner_runbook=\"{slug}\"")));
                    at(it.decorator, message).help(help).report(report);
                }
                Owner::Named(owner, span)
                    if !slug.is_empty() && owner != slug && *owner != it.view.bundle.slug =>
                {
                    let message = format!(
                        "the owner {} is not the slug of this bundle, {}",
                        code(owner),
                        code(slug)
                    );
                    let help = format!("write {}", code(&format!("owner_runbook=\"{slug}\"")));
                    at(*span, message).help(help).report(report);
                }
                Owner::Named(..) | Owner::Unknown => {}
            }
            let Some(name) = name else { continue };
            if !is_table_name(name) {
                let message = format!(
                    "{} cannot be the name of a table without quotes",
                    code(&format!("ledgers.{name}"))
                );
                at(it.name_span, message)
                    .help("write lower-case letters, digits and underscores only")
                    .report(report);
            }
            let other = registrations.iter().find(|other| {
                other.name.as_deref() == Some(name)
                    && other.view.ix != it.view.ix
                    && other.view.slug() != slug
            });
            if let Some(other) = other {
                let message = format!(
                    "the bundle {} also registers a subledger type {}",
                    code(other.view.slug()),
                    code(name)
                );
                at(it.name_span, message)
                    .note("A worker that loads both ends with a `TypeAlreadyRegisteredError`.")
                    .help("give one of the two another name")
                    .report(report);
            }
        }
    }
}

fn is_table_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
