use lint_core::diagnostic::{Diagnostic, FileId};
use lint_core::rule::RuleMetadata;
use rules_macros::RuleMetadata;
use rustc_hash::FxHashMap;

use crate::finding::Finding;
use crate::hazard::code;
use crate::rule::{Context, Rule};
use crate::runbook_md::subledger::{self, PLATFORM_TYPES};
use crate::runbook_md::view::{self, View};

/// ## What it does
/// Checks the migrations of a bundle: each subledger type that the bundle registers needs one which
/// names its table `ledgers.<type>`, and each number may be used once.
///
/// ## Why is this bad?
/// The rows of a type are written to the table `ledgers.<type>`, whose name cannot be changed. Without
/// a migration the table is not there, and the first insert fails in production; tests replace the
/// handle and do not notice. Two migrations with one number run in an order that nobody chose.
///
/// ## Example
/// ```markdown path=runbooks/deposit-book/runbook.md
/// ---
/// slug: deposit-book
/// name: Deposit book
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/deposit-book/subledgers/deposit.py
/// from ntro.subledger import Row, register_type
///
///
/// @register_type("deposit", owner_runbook="deposit-book")  # RB521
/// class DepositRow(Row):
///     tenant: str
///     amount: float
/// ```
///
/// ## Use instead
/// ```markdown path=runbooks/deposit-book/runbook.md
/// ---
/// slug: deposit-book
/// name: Deposit book
/// version: 0.1.0
/// state: DRAFT
/// author: Example Fund Admin
/// ---
/// ```
/// ```python path=runbooks/deposit-book/subledgers/deposit.py
/// from ntro.subledger import Row, register_type
///
///
/// @register_type("deposit", owner_runbook="deposit-book")
/// class DepositRow(Row):
///     tenant: str
///     amount: float
/// ```
/// ```yaml path=runbooks/deposit-book/migrations/001_subledger_deposit.sql
/// CREATE TABLE IF NOT EXISTS ledgers.deposit (
///     id uuid PRIMARY KEY,
///     entity_id uuid NOT NULL,
///     period text NOT NULL,
///     tenant text NOT NULL,
///     amount numeric NOT NULL
/// );
/// ```
///
/// ## Limits
/// The SQL is searched for the name of the table, not understood.
#[derive(RuleMetadata)]
#[rule(
    code = "RB521",
    severity = "warning",
    category = "bundle",
    since = "0.1.0",
    summary = "a subledger type without a migration for its table"
)]
pub(crate) struct SubledgerMigration;

impl Rule for SubledgerMigration {
    fn metadata(&self) -> &'static RuleMetadata {
        &Self::METADATA
    }

    fn check(&self, cx: &Context<'_>, report: &mut Vec<Diagnostic>) {
        for it in subledger::registrations(cx) {
            let Some(name) = it.name.as_deref().filter(|it| !PLATFORM_TYPES.contains(it)) else {
                continue;
            };
            let migrations = migrations(&it.view);
            if migrations
                .iter()
                .any(|(file, _)| names_table(cx, *file, name))
            {
                continue;
            }
            let table = format!("ledgers.{name}");
            let own = migrations
                .iter()
                .find(|(_, path)| stem(path).ends_with(&format!("subledger_{name}")));
            let finding = match own {
                Some((file, _)) => {
                    let Some(source) = cx.model.project.text(*file) else {
                        continue;
                    };
                    let message = format!("the migration does not name the table {}", code(&table));
                    Finding::new(&Self::METADATA, *file, source.line_span(1), message)
                        .help(format!("create {}", code(&table)))
                }
                None => {
                    let message = format!(
                        "no migration creates the table {} of this subledger type",
                        code(&table)
                    );
                    let path = format!(
                        "migrations/{:03}_subledger_{name}.sql",
                        migrations.len() + 1
                    );
                    Finding::new(&Self::METADATA, it.file, it.name_span, message)
                        .help(format!("add {}", code(&path)))
                }
            };
            finding.report(report);
        }
        for view in view::bundles(cx) {
            let mut seen: FxHashMap<u64, &str> = FxHashMap::default();
            for (file, path) in migrations(&view) {
                let Some(number) = number(path) else { continue };
                if let Some(first) = seen.get(&number) {
                    let Some(source) = cx.model.project.text(file) else {
                        continue;
                    };
                    let message = format!("{} has the number of {}", code(path), code(first));
                    Finding::new(&Self::METADATA, file, source.line_span(1), message)
                        .help("give each migration a number of its own")
                        .report(report);
                } else {
                    seen.insert(number, path);
                }
            }
        }
    }
}

fn migrations<'c>(view: &View<'c, '_>) -> Vec<(FileId, &'c str)> {
    view.below("migrations")
        .filter(|(_, path)| path.ends_with(".sql"))
        .collect()
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".sql").unwrap_or(name)
}

/// The number that the name of a migration begins with.
fn number(path: &str) -> Option<u64> {
    let stem = stem(path);
    let end = stem
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(stem.len());
    stem[..end].parse().ok()
}

/// Whether the SQL has `ledgers.<name>` in it, in any case and with or without quotes.
fn names_table(cx: &Context<'_>, file: FileId, name: &str) -> bool {
    let Some(source) = cx.model.project.text(file) else {
        return true;
    };
    let plain = source.text.to_lowercase().replace(['"', '`'], "");
    let table = format!("ledgers.{}", name.to_lowercase());
    plain.match_indices(&table).any(|(at, _)| {
        let rest = &plain[at + table.len()..];
        !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}
